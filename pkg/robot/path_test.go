package robot_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

func TestAdoptPath(t *testing.T) {
	w := newWorld(t)
	w.onboard()
	if found, adopted, err := robot.AdoptPath(t.Context(), w.services(), w.Tenant); err != nil || adopted || !cmp.Equal(found, w.Tenant) {
		t.Errorf("the same app: %v, %t, %v", found, adopted, err)
	}
	second := w.Tenant
	second.App, second.VaultPath = "refunds", "apps/payments/refunds/ci/quay-robot"
	found, adopted, err := robot.AdoptPath(t.Context(), w.services(), second)
	if err != nil || !adopted || found.VaultPath != w.VaultPath || found.App != "refunds" {
		t.Errorf("a second app: %v, %t, %v", found, adopted, err)
	}
	// Bootstrapping the second app then changes nothing.
	steps, err := robot.Bootstrap(t.Context(), w.services(), found, robot.BootstrapOptions{})
	if err != nil || strings.Contains(strings.Join(states(steps), " "), "changed") || len(w.versions) != 1 {
		t.Errorf("bootstrapping it: %v, %v", states(steps), err)
	}
	w.external = map[string]robot.ExternalSecret{}
	if found, adopted, err := robot.AdoptPath(t.Context(), w.services(), second); err != nil || adopted || !cmp.Equal(found, second) {
		t.Errorf("without an ExternalSecret: %v, %t, %v", found, adopted, err)
	}
}

func TestAdoptPathRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		data vault.Data
		text string
	}{
		"another team's path": {vault.Data{"username": secret.New("team-platform+ci"), "token": secret.New("T")}, `has the credential of "team-platform+ci"`},
		"an empty path":       {nil, `where no credential of team "payments" is`},
	} {
		w := newWorld(t)
		if test.data != nil {
			w.put("apps/platform/base/ci/quay-robot", test.data)
		}
		w.external[w.Secret] = robot.ExternalSecret{Ready: true, Path: "apps/platform/base/ci/quay-robot"}
		_, _, err := robot.AdoptPath(t.Context(), w.services(), w.Tenant)
		e := (*robot.Error)(nil)
		if !errors.As(err, &e) || e.Reason != robot.ReasonRefused || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}
