package robot_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/pkg/robot"
)

// thief holds a robot's token and a bearer token that it bought, and uses both for as long as they are good for anything.
type thief struct {
	w                *world
	robot, token     string
	bearer, powerful string
	// last is when it could push last, times how often.
	last  time.Time
	times int
}

// buy asks the token service for the right to push, with a password for robot; empty if it is refused. can says that the right is in it.
func (w *world) buy(robot, password string) (bearer string, can bool) {
	w.Helper()
	query := url.Values{"service": {w.quay.Host()}, "scope": {"repository:team-payments/api:pull,push"}}
	request, err := http.NewRequestWithContext(w.Context(), http.MethodGet, w.quay.URL()+"/v2/auth?"+query.Encode(), nil)
	if err != nil {
		w.Fatal(err)
	}
	request.SetBasicAuth(robot, password)
	response, err := w.quay.Client().Do(request)
	if err != nil {
		w.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct{ Token string }
	if response.StatusCode != http.StatusOK || json.NewDecoder(response.Body).Decode(&answer) != nil {
		return "", false
	}
	_, claims, _ := strings.Cut(answer.Token, ".")
	claims, _, _ = strings.Cut(claims, ".")
	decoded, err := base64.RawURLEncoding.DecodeString(claims)
	if err != nil {
		w.Fatal(err)
	}
	return answer.Token, strings.Contains(string(decoded), `"push"`)
}

// begins reports whether an upload can be begun with a bearer token.
func (w *world) begins(bearer string) bool {
	w.Helper()
	request, err := http.NewRequestWithContext(w.Context(), http.MethodPost, w.quay.URL()+"/v2/team-payments/api/blobs/uploads/", nil)
	if err != nil {
		w.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+bearer)
	response, err := w.quay.Client().Do(request)
	if err != nil {
		w.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode == http.StatusAccepted
}

// try buys with everything it has, and pushes with whatever does.
func (t *thief) try() {
	for _, password := range []string{t.token, t.bearer, t.powerful} {
		if bearer, can := t.w.buy(t.robot, password); bearer != "" {
			t.bearer = bearer
			if can {
				t.powerful = bearer
			}
		}
	}
	if t.powerful != "" && t.w.begins(t.powerful) {
		t.last, t.times = t.w.quay.Now(), t.times+1
	}
}

// steals returns a thief who has the token of the robot in use, and bought with it.
func (w *world) steals() *thief {
	w.Helper()
	name, token := w.pushesWith()
	t := &thief{w: w, robot: name, token: token}
	if t.try(); t.times != 1 {
		w.Fatal("the thief cannot push to begin with")
	}
	return t
}

// pushesWith is what the team pushes with now: the credential in its Secret, or what Quay gives for a token of its ServiceAccount.
func (w *world) pushesWith() (username, password string) {
	w.Helper()
	if !w.Keyless {
		return w.secretCredential()
	}
	w.mu.Lock()
	username = w.accounts[w.Secret].Robot
	w.mu.Unlock()
	given, err := w.observer().Exchange(w.Context(), username, w.accountToken(w.Subject()))
	if err != nil {
		return username, ""
	}
	return username, given.Reveal()
}

// untilPattern finds the moment that a step of the tool states.
var untilPattern = regexp.MustCompile(`what they bought ends by (\S+)`)

func stated(t *testing.T, steps []robot.Step) time.Time {
	t.Helper()
	for _, s := range steps {
		if found := untilPattern.FindStringSubmatch(s.Detail); found != nil {
			until, err := time.Parse(time.RFC3339, found[1])
			if err != nil {
				t.Fatal(err)
			}
			return until
		}
	}
	t.Fatalf("no step says until when what was bought is good: %v", steps)
	return time.Time{}
}

// A thief who renews what he bought pushes until the moment that the tool states, and never again, whatever the team does then. The
// team itself pushes every three seconds: where the new robot comes first, without a failure.
func TestThiefIsLockedOutWhenTheToolSays(t *testing.T) {
	for name, test := range map[string]struct {
		end func(w *world) (until time.Time, err error)
		// outage says that the team's own pushes fail meanwhile, returns that it comes back every ten minutes.
		outage, returns bool
	}{
		"keyless, leak": {func(w *world) (time.Time, error) {
			report, err := robot.Leak(w.Context(), w.services(), w.Tenant, robot.LeakOptions{Since: w.quay.Now().Add(-time.Hour), First: robot.FirstBurn})
			return report.BearersUntil, err
		}, true, false},
		"keyless, leak, replacing first": {func(w *world) (time.Time, error) {
			report, err := robot.Leak(w.Context(), w.services(), w.Tenant, robot.LeakOptions{Since: w.quay.Now().Add(-time.Hour), First: robot.FirstReplace})
			return report.BearersUntil, err
		}, false, false},
		"keyless, rotate": {func(w *world) (time.Time, error) {
			result, err := robot.Rotate(w.Context(), w.services(), w.Tenant, robot.RotateOptions{})
			return stated(t, result.Steps), err
		}, false, false},
		"keyless, offboard, and onboard every ten minutes": {func(w *world) (time.Time, error) {
			steps, err := robot.Offboard(w.Context(), w.services(), w.Tenant)
			return stated(t, steps), err
		}, true, true},
		"leak": {func(w *world) (time.Time, error) {
			report, err := robot.Leak(w.Context(), w.services(), w.Tenant, robot.LeakOptions{Since: w.quay.Now().Add(-time.Hour), First: robot.FirstBurn})
			return report.BearersUntil, err
		}, true, false},
		"leak, replacing first": {func(w *world) (time.Time, error) {
			report, err := robot.Leak(w.Context(), w.services(), w.Tenant, robot.LeakOptions{Since: w.quay.Now().Add(-time.Hour), First: robot.FirstReplace})
			if report.Outage != 0 {
				t.Errorf("the report tells of an outage of %s", report.Outage)
			}
			return report.BearersUntil, err
		}, false, false},
		"rotate": {func(w *world) (time.Time, error) {
			result, err := robot.Rotate(w.Context(), w.services(), w.Tenant, robot.RotateOptions{})
			return stated(t, result.Steps), err
		}, false, false},
		"rotate from the standby robot of before": {func(w *world) (time.Time, error) {
			result, err := robot.Rotate(w.Context(), w.services(), w.Tenant, robot.RotateOptions{MaxAge: time.Hour})
			return stated(t, result.Steps), err
		}, false, false},
		"offboard, and onboard every ten minutes": {func(w *world) (time.Time, error) {
			steps, err := robot.Offboard(w.Context(), w.services(), w.Tenant)
			return stated(t, steps), err
		}, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if strings.HasPrefix(name, "keyless") {
				w = newKeyless(t)
				w.keyless()
			} else {
				w.onboard()
			}
			if name == "rotate from the standby robot of before" {
				w.unfinished()
				w.sync(w.Secret)
				// As the tool of before left it: its token burnt, its rights kept.
				token := w.quay.RobotToken(first)
				w.versions[w.VaultPath][0] = nil
				w.secrets[w.Secret] = w.render(first, token, 1)
			}
			thief := w.steals()
			if name == "rotate from the standby robot of before" {
				w.sync(w.Secret)
				w.quay.RegenerateRobot(first)
			}
			w.lag = 3
			failed, pushed, moments := 0, 0, 0
			pass := func(d time.Duration) {
				w.quay.Advance(d)
				thief.try()
				if moments++; moments%3 == 0 {
					username, token := w.pushesWith()
					if bearer, can := w.buy(username, token); can && w.begins(bearer) {
						pushed++
					} else {
						failed++
					}
				}
			}
			w.onCall = func() { pass(time.Second) }
			before := thief.times
			until, err := test.end(w)
			if w.onCall = nil; err != nil {
				t.Fatal(err)
			}
			if thief.times < before+3 {
				t.Errorf("the thief pushed %d times while it was answered: the test sees nothing", thief.times-before)
			}
			if !test.outage && (failed > 0 || pushed < 3) {
				t.Errorf("of the team's own pushes %d failed, %d did not", failed, pushed)
			}
			ended := w.quay.Now()
			for back := ended; w.quay.Now().Before(until.Add(time.Minute)); pass(step(w.quay.Now().Sub(ended), until.Sub(w.quay.Now()))) {
				if test.returns && w.quay.Now().After(back) {
					w.comesBack()
					back = back.Add(10 * time.Minute)
				}
			}
			if thief.last.After(until) || thief.last.Before(ended.Add(time.Minute)) {
				t.Errorf("the thief pushed last %s after the moment that was stated, %s after the end", thief.last.Sub(until), thief.last.Sub(ended))
			}
			// Nor does what he holds come to life again.
			for range 3 {
				w.quay.Advance(20 * time.Minute)
				w.comesBack()
				if thief.try(); thief.last.After(until) {
					t.Fatal("the thief pushes again")
				}
			}
			t.Logf("the thief pushed %d times, last %s before the moment that was stated", thief.times, until.Sub(thief.last))
		})
	}
}

// step is how long the thief waits: a second while something is about to change, and else longer, as a token is bought each time.
func step(since, left time.Duration) time.Duration {
	switch {
	case since < 2*time.Minute || left < 2*time.Minute:
		return time.Second
	case testing.Short():
		return 60 * time.Second
	}
	return 5 * time.Second
}

// comesBack offboards the team and onboards it again.
func (w *world) comesBack() {
	w.Helper()
	w.lag = 0
	if _, err := robot.Offboard(w.Context(), w.observer(), w.Tenant); err != nil {
		w.Fatal(err)
	}
	if w.Keyless {
		done, err := robot.BootstrapKeyless(w.Context(), w.observer(), w.Tenant, robot.KeylessOptions{Issuer: w.issuer.URL()})
		if err != nil {
			w.Fatal(err)
		}
		w.accounts[w.Secret] = robot.ServiceAccount{Robot: done.Robot}
		w.isKeyless(done.Robot, fmt.Sprint("onboarded again at ", w.quay.Now()))
		return
	}
	if _, err := robot.Bootstrap(w.Context(), w.observer(), w.Tenant, robot.BootstrapOptions{}); err != nil {
		w.Fatal(err)
	}
	if err := w.observer().Cluster.Refresh(w.Context(), w.Namespace, w.Secret); err != nil {
		w.Fatal(err)
	}
	w.pushes(fmt.Sprint("onboarded again at ", w.quay.Now()))
}
