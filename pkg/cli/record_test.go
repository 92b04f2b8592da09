package cli_test

import (
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clienttesting "k8s.io/client-go/testing"

	"github.com/comptech-lab/quay-push/pkg/cli"
	"github.com/comptech-lab/quay-push/pkg/fleet"
)

// withRecords has the ConfigMaps of config/fleet/, empty as that makes them.
func (w *world) withRecords() *world {
	w.Helper()
	for _, name := range []string{fleet.VerifyConfigMap, fleet.RotateConfigMap} {
		if err := w.kube.Tracker().Add(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "quay-push", Name: name}}); err != nil {
			w.Fatal(err)
		}
	}
	return w
}

// recorded returns the text of a record.
func (w *world) recorded(name string) string {
	w.Helper()
	found, err := w.kube.CoreV1().ConfigMaps("quay-push").Get(w.Context(), name, metav1.GetOptions{})
	if err != nil {
		w.Fatal(err)
	}
	w.keepsSecrets(found.Data[fleet.Key])
	return found.Data[fleet.Key]
}

// What verify --all found is left for the metrics: the age of each token, what is wrong by name, and how many.
func TestVerifyLeavesARecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t).withRecords()
	w.onboard("payments")
	w.quay.Advance(time.Hour)
	w.onboard("platform")
	platform := w.quay.Now()
	w.quay.Advance(time.Hour)
	w.must("verify", "--all", "--record")
	v, err := fleet.Decode[fleet.Verification](w.recorded(fleet.VerifyConfigMap))
	if err != nil || v.Teams != 2 || v.Right != 2 || len(v.Findings) > 0 || !v.Ended.Equal(w.quay.Now().Truncate(time.Second)) {
		t.Errorf("record is %+v, %v", v, err)
	}
	// A version of Vault is a little younger than the test's look at the clock.
	if written := v.Written["platform"]; written.Sub(platform).Abs() > time.Minute || platform.Sub(v.Written["payments"]).Round(time.Hour) != time.Hour {
		t.Errorf("written %v, platform at %s", v.Written, platform)
	}
	w.quay.RegenerateRobot("team-platform+ci")
	exit, _, _ := w.run(t.Context(), "", "verify", "--all", "--record")
	v, err = fleet.Decode[fleet.Verification](w.recorded(fleet.VerifyConfigMap))
	want := map[string]map[string]string{"vault-token": {"platform": "failed"}}
	if diff := cmp.Diff(want, v.Findings); diff != "" || err != nil || exit != cli.ExitUnauthorized || v.Right != 1 || v.Checks["vault-token"]["passed"] != 1 {
		t.Errorf("exit %d, %+v, %v, findings (-want +got):\n%s", exit, v, err, diff)
	}
	// A run that could not ask leaves what the last one found.
	before := w.recorded(fleet.VerifyConfigMap)
	w.refused = errors.New("no answer")
	if exit, _, _ := w.run(t.Context(), "", "verify", "--all", "--record"); exit == cli.ExitOK || w.recorded(fleet.VerifyConfigMap) != before {
		t.Errorf("exit %d, record is %s", exit, w.recorded(fleet.VerifyConfigMap))
	}
}

// A check that every cluster has is recorded once, by the worst of them: what is right in one hides nothing in another.
func TestTheRecordOfSeveralClusters(t *testing.T) {
	for name, spoil := range map[string]func(w *world){
		"the first": func(w *world) { w.stale() },
		"the other": func(w *world) { w.clusters["west"].stale() },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t).withRecords().withWest()
			spoil(w)
			exit, out, _ := w.run(t.Context(), "", "verify", "--all", "--record", "--context", "east", "--context", "west")
			v, err := fleet.Decode[fleet.Verification](w.recorded(fleet.VerifyConfigMap))
			want := map[string]map[string]string{"secret-token": {"payments": "failed"}}
			if diff := cmp.Diff(want, v.Findings); diff != "" || err != nil || exit != cli.ExitUnauthorized || v.Teams != 2 || v.Right != 1 {
				t.Errorf("exit %d, %+v, %v, findings (-want +got):\n%s%s", exit, v, err, diff, out)
			}
		})
	}
}

// stale gives team payments' Secret a token that is not the one in Vault.
func (w *world) stale() {
	w.Helper()
	secrets := w.kube.CoreV1().Secrets(shared)
	found, err := secrets.Get(w.Context(), "quay-robot-team-payments", metav1.GetOptions{})
	if err != nil {
		w.Fatal(err)
	}
	auth := base64.StdEncoding.EncodeToString([]byte("team-payments+ci:STALE"))
	found.Data[corev1.DockerConfigJsonKey] = []byte(`{"auths":{"` + w.quay.Host() + `":{"auth":"` + auth + `"}}}`)
	if _, err := secrets.Update(w.Context(), found, metav1.UpdateOptions{}); err != nil {
		w.Fatal(err)
	}
}

// The result is printed before it is recorded; why it was not is told, with what helps.
func TestARecordThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	forbidden := apierrs.NewForbidden(schema.GroupResource{Resource: "configmaps"}, "fleet-verify", errors.New("no"))
	for name, test := range map[string]struct {
		verb string
		err  error
		exit cli.Exit
		says string
		next string
	}{
		"not applied":     {"", nil, cli.ExitMissing, `reading ConfigMap "quay-push/fleet-verify"`, "apply config/fleet/, or leave --record out"},
		"may not read":    {"get", forbidden, cli.ExitNoRight, `reading ConfigMap "quay-push/fleet-verify"`, "get the right to get and patch that ConfigMap"},
		"may not write":   {"patch", forbidden, cli.ExitNoRight, `writing ConfigMap "quay-push/fleet-verify"`, "get the right to get and patch that ConfigMap"},
		"no answer to it": {"patch", &url.Error{Op: "Patch", URL: "https://x", Err: errors.New("refused")}, cli.ExitFailure, `writing ConfigMap "quay-push/fleet-verify"`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if test.verb != "" {
				w.withRecords()
				w.kube.PrependReactor(test.verb, "configmaps", func(action clienttesting.Action) (bool, runtime.Object, error) {
					get, ok := action.(clienttesting.GetAction)
					return !ok || get.GetName() == fleet.VerifyConfigMap, nil, test.err
				})
			}
			w.onboard("payments")
			exit, out, errs := w.run(t.Context(), "", "verify", "--all", "--record")
			if exit != test.exit || !strings.Contains(errs, test.says) || !strings.Contains(errs, test.next) || !strings.Contains(out, "push-right") {
				t.Errorf("exit %d\n%s\n%s", exit, out, errs)
			}
		})
	}
}

// Where the Role in one team's namespace is missing, the others are looked at all the same, and it is a finding like any other.
func TestASecretThatMayNotBeRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t).withRecords()
	w.onboard("payments")
	w.onboard("platform")
	w.kube.PrependReactor("get", "secrets", func(action clienttesting.Action) (bool, runtime.Object, error) {
		name := action.(clienttesting.GetAction).GetName()
		return name == "quay-robot-team-platform", nil, apierrs.NewForbidden(schema.GroupResource{Resource: "secrets"}, name, errors.New("no Role"))
	})
	exit, out, errs := w.run(t.Context(), "", "verify", "--all", "--record")
	v, err := fleet.Decode[fleet.Verification](w.recorded(fleet.VerifyConfigMap))
	want := map[string]map[string]string{"asked": {"platform": "failed"}}
	if diff := cmp.Diff(want, v.Findings); diff != "" || err != nil || v.Right != 1 || exit != cli.ExitFindings {
		t.Errorf("exit %d, %v, findings (-want +got):\n%s\n%s", exit, err, diff, errs)
	}
	for _, want := range []string{`reading Secret "openshift-pipelines/quay-robot-team-platform"`, "docs/cli.md lists what the tool needs in the cluster", "2 tenants, 1 are right"} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	if exit, _, errs := w.run(t.Context(), "", "verify", "platform"); exit != cli.ExitNoRight || !strings.Contains(errs, "next: get the right") {
		t.Errorf("of that team alone: exit %d\n%s", exit, errs)
	}
}

// What rotate --all did is left, too, with the age that it goes by. A run that came to every team
// is a good one, whatever became of each.
func TestRotateLeavesARecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t).withRecords()
	w.onboard("payments")
	w.onboard("platform")
	w.must("rotate", "--all", "--max-age", "720h", "--record")
	r, err := fleet.Decode[fleet.Rotation](w.recorded(fleet.RotateConfigMap))
	good := w.quay.Now().Truncate(time.Second)
	if err != nil || r.Good.Sub(good).Abs() > time.Minute || r.MaxAgeSeconds != 2592000 || r.Outcomes["kept"] != 2 || r.Outcomes["rotated"] != 0 {
		t.Errorf("record is %+v, %v", r, err)
	}
	good = r.Good
	w.quay.Advance(800 * time.Hour)
	w.kube.PrependReactor("get", "secrets", func(action clienttesting.Action) (bool, runtime.Object, error) {
		name := action.(clienttesting.GetAction).GetName()
		return name == "quay-robot-team-platform", nil, apierrs.NewForbidden(schema.GroupResource{Resource: "secrets"}, name, errors.New("no Role"))
	})
	exit, out, errs := w.run(t.Context(), "", "rotate", "--all", "--max-age", "720h", "--record")
	r, err = fleet.Decode[fleet.Rotation](w.recorded(fleet.RotateConfigMap))
	if err != nil || exit != cli.ExitNoRight || r.Good.Sub(good) < 800*time.Hour || r.Outcomes["rotated"] != 1 || r.Outcomes["failed"] != 1 || len(r.Tried) != 1 || !r.Tried["platform"].Equal(r.Ended) {
		t.Errorf("a team fails: exit %d, record is %+v, %v\n%s\n%s", exit, r, err, out, errs)
	}
	// What all would meet stops it: the last good run is that of before, and who was tried then is not tried first.
	good = r.Good
	tried := r.Tried["platform"]
	w.quay.Advance(800 * time.Hour)
	w.quay.RevokeOAuthTokens()
	exit, _, _ = w.run(t.Context(), "", "rotate", "--all", "--max-age", "720h", "--parallel", "1", "--record")
	r, err = fleet.Decode[fleet.Rotation](w.recorded(fleet.RotateConfigMap))
	if err != nil || exit == cli.ExitOK || !r.Good.Equal(good) || r.Ended.Sub(good) < 800*time.Hour || r.Outcomes["rotated"] != 0 || tried.IsZero() || r.Tried["platform"].Before(tried) {
		t.Errorf("it is stopped: exit %d, record is %+v, %v", exit, r, err)
	}
}

// What is known of one team is no record of all.
func TestARecordIsOfAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for line, want := range map[string]string{
		"verify payments --record":                       "--record is for --all",
		"rotate payments --record":                       "--record is for --all",
		"rotate --all --max-age 720h --dry-run --record": "--record does not go with --dry-run",
	} {
		if exit, _, errs := w.run(t.Context(), "", strings.Fields(line)...); exit != cli.ExitUsage || !strings.Contains(errs, want) || !strings.Contains(errs, "\nnext: leave") {
			t.Errorf("%s: exit %d: %s", line, exit, errs)
		}
	}
}
