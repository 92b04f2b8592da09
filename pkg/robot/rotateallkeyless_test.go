package robot_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/internal/oidctest"
	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/robot"
)

// keylessTeams onboards the keyless teams k0 to k(n-1), one an hour: k0 is n hours ago then.
func (w *world) keylessTeams(n int) []robot.Tenant {
	w.Helper()
	w.issuer = oidctest.Start(w.TB)
	w.quay.TrustIssuers(w.issuer.Authorities())
	all := []robot.Tenant{}
	for i := range n {
		t, err := robot.NewTenant(convention(w), fmt.Sprint("k", i), "division", fmt.Sprint("k", i))
		if err != nil {
			w.Fatal(err)
		}
		t.Registry, t.Keyless = w.quay.Host(), true
		w.quay.AddOrganization(t.Organization)
		w.quay.AddRepository(t.Organization, "app")
		done, err := robot.BootstrapKeyless(w.Context(), w.observer(), t, robot.KeylessOptions{Issuer: w.issuer.URL()})
		if err != nil {
			w.Fatal(err)
		}
		w.accounts[t.Secret] = robot.ServiceAccount{Robot: done.Robot}
		w.quay.Advance(time.Hour)
		all = append(all, t)
	}
	w.calls = 0
	w.quay.ForgetRequests()
	return all
}

// Teams of both kinds beside each other, some of them broken: what is wrong with those stops nobody.
func TestRotateAllOfBothKinds(t *testing.T) {
	w := newWorld(t)
	all := append(w.keylessTeams(5), w.teams(4)...)
	delete(w.accounts, all[1].Secret)
	w.accounts[all[2].Secret] = robot.ServiceAccount{Robot: "team-k0+ci"}
	w.quay.DeleteRobot("team-k3+ci")
	w.quay.DeleteRobot("team-t1+ci")
	result := robot.RotateAll(t.Context(), w.services(), all, allOptions())
	wants(t, result, "k1 failed", "k2 failed", "k3 rotated", "k0 rotated", "k4 rotated", "t0 rotated", "t1 rotated", "t2 rotated", "t3 kept")
	for _, i := range []int{0, 3, 4} {
		if name := w.accounts[all[i].Secret].Robot; name != firstOf(all[i])+"-2" {
			t.Errorf("%s names %q", all[i].Team, name)
		}
	}
	again := outcomes(robot.RotateAll(t.Context(), w.services(), all, allOptions()))
	slices.Sort(again) // Those of one second are in no order.
	if want := []string{"k0 kept", "k1 failed", "k2 failed", "k3 kept", "k4 kept", "t0 kept", "t1 kept", "t2 kept", "t3 kept"}; !slices.Equal(again, want) {
		t.Errorf("outcomes are %q", again)
	}
}

// Where Quay is away, not each keyless team is tried until its robot's age is known.
func TestRotateAllStopsWhereNoAgeIsToBeHad(t *testing.T) {
	w := newWorld(t)
	all := w.keylessTeams(60)
	w.quay.Faults.Add(quaytest.Fault{Path: "/", Times: -1, Effect: quaytest.Status(http.StatusBadGateway, nil, "")})
	result := robot.RotateAll(t.Context(), w.services(), all, allOptions())
	if result.Stopped == nil || !strings.Contains(result.Stopped.Error(), "reading robot") || slices.ContainsFunc(result.Teams, func(r robot.TeamRotation) bool { return r.Outcome != robot.OutcomeNotBegun }) {
		t.Errorf("outcomes are %q, stopped: %v", outcomes(result), result.Stopped)
	}
	if n := len(w.quay.Requests()); n > 150 {
		t.Errorf("%d requests", n)
	}
}

// A team of both kinds in one namespace is refused, as it is alone: what one of the two has in use the other would end.
func TestRotateAllOfATeamOfBothKinds(t *testing.T) {
	w := newWorld(t)
	all := w.teams(1)
	keyless := all[0]
	keyless.Keyless = true
	w.issuer = oidctest.Start(t)
	w.quay.TrustIssuers(w.issuer.Authorities())
	w.accounts[keyless.Secret] = robot.ServiceAccount{Robot: firstOf(keyless)}
	opts := allOptions()
	opts.MaxAge = time.Minute
	result := robot.RotateAll(t.Context(), w.services(), append(all, keyless), opts)
	wants(t, result, "t0 failed", "t0 failed")
	for _, r := range result.Teams {
		if r.Err == nil || !strings.Contains(r.Err.Error(), `team "t0" has both an ExternalSecret and a ServiceAccount "quay-robot-team-t0"; delete the ExternalSecret if the team is keyless`) {
			t.Errorf("error is %v", r.Err)
		}
	}
	if name := w.inUse(all[0]); name != firstOf(all[0]) {
		t.Errorf("it pushes with %q", name)
	}
}
