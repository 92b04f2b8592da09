package robot_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// Applied again, an ExternalSecret that is there does not change, and External Secrets would look at Vault in an hour. So bootstrap asks it.
func TestBootstrapBringsTheSecretBack(t *testing.T) {
	for name, lose := range map[string]func(w *world){
		"the Secret is gone": func(w *world) { w.secrets = map[string]robot.Secret{} },
		"the path in Vault is lost, and the Secret with it": func(w *world) {
			w.versions, w.secrets = map[string][]*vault.Secret{}, map[string]robot.Secret{}
		},
		"the Secret has a token that is burnt": func(w *world) {
			w.put(w.VaultPath, vault.Data{"username": secret.New(first), "token": secret.New(w.quay.RegenerateRobot(first))})
		},
		"Vault refuses just then": func(w *world) { w.secrets, w.deaf = map[string]robot.Secret{}, 2 },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.onboard()
			w.lag = 2
			lose(w)
			if w.works() {
				t.Fatal("the Secret works, so that this shows nothing")
			}
			steps, err := robot.Bootstrap(t.Context(), w.services(), w.Tenant, robot.BootstrapOptions{})
			if err != nil || !slices.Contains(states(steps), "secret changed") {
				t.Fatalf("steps %q, %v", states(steps), err)
			}
			w.pushes("after bootstrap")
		})
	}
}

// What only onboard can mend, or what the caller may not see, is no reason to stop: bootstrap comes before onboard.
func TestBootstrapLeavesTheSecretToOthers(t *testing.T) {
	for name, test := range map[string]struct {
		change func(w *world)
		detail string
	}{
		"no ExternalSecret": {func(w *world) { w.external = map[string]robot.ExternalSecret{} }, "there is no ExternalSecret"},
		"another path":      {func(w *world) { e := w.external[w.Secret]; e.Path = "apps/x/y"; w.external[w.Secret] = e }, "reads another path: render it again with onboard"},
		"frozen": {func(w *world) {
			e := w.external[w.Secret]
			e.Frozen = "spec.target.immutable is true"
			w.external[w.Secret] = e
		},
			"never does, as spec.target.immutable is true: correct that field, or render the ExternalSecret again with onboard; then delete the Secret"},
		"another registry": {func(w *world) {
			w.secrets[w.Secret] = robot.Secret{Type: "kubernetes.io/dockerconfigjson", Dockerconfig: secret.New(`{"auths":{"quay.example.com":{"auth":"YTpi"}}}`)}
		}, "cannot be used"},
		"a type of its own": {func(w *world) {
			w.secrets[w.Secret] = robot.Secret{Type: "Opaque"}
		}, "render its ExternalSecret again with onboard"},
		"no right": {func(w *world) {
			w.noSecret = &robot.Error{Reason: robot.ReasonNoRight, Problem: "reading Secret", Next: "ask"}
		}, "you may not see"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			test.change(w)
			w.lag = 1000
			steps, err := robot.Bootstrap(t.Context(), w.services(), w.Tenant, robot.BootstrapOptions{})
			if err != nil {
				t.Fatal(err)
			}
			last := steps[len(steps)-1]
			if last.ID != "secret" || last.State != robot.Kept || !strings.Contains(last.Detail, test.detail) {
				t.Errorf("the last step is %+v, want it kept: %s", last, test.detail)
			}
		})
	}
}

// A Secret that does not come is an error that says why, and everything else is done.
func TestBootstrapSaysWhyTheSecretDoesNotCome(t *testing.T) {
	w := newWorld(t)
	w.external[w.Secret] = robot.ExternalSecret{Reason: "SecretSyncedError", Message: "could not get secret data from provider",
		Warning: "Code: 403. Errors: * namespace not authorized", Path: w.VaultPath}
	ctx, s := withoutPatience(t, w.services())
	steps, err := robot.Bootstrap(ctx, s, w.Tenant, robot.BootstrapOptions{})
	var stopped *robot.Error
	if !errors.As(err, &stopped) || stopped.Reason != robot.ReasonTimeout || !strings.Contains(err.Error(), "namespace not authorized") ||
		!strings.Contains(stopped.Next, "bound_service_account_namespaces") {
		t.Errorf("it ends with %v", err)
	}
	if got := states(steps); len(got) != len(bootstrapSteps)-1 || len(w.live()) != 1 {
		t.Errorf("done are %q, with %d versions in Vault", got, len(w.live()))
	}
}

// Asked once while Vault refuses, External Secrets would look again after minutes; so it is asked again.
func TestRotateAsksAgain(t *testing.T) {
	w := newWorld(t)
	w.onboard()
	w.deaf = 3
	if _, err := robot.Rotate(t.Context(), w.services(), w.Tenant, robot.RotateOptions{}); err != nil {
		t.Fatal(err)
	}
	if w.deaf != 0 {
		t.Errorf("%d refreshes were not asked for", w.deaf)
	}
	w.pushes("after rotate")
}
