package cli_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/cli"
	"github.com/comptech-lab/quay-push/pkg/externalsecret"
	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// byHand makes a robot as people do in Quay's pages, with Write on the organization's one repository, and returns its token.
func (w *world) byHand(robot string) string {
	w.Helper()
	organization, short, _ := strings.Cut(robot, "+")
	token := w.quay.AddRobot(organization, short)
	w.quay.Grant(organization+"/app", robot, quaytest.Write)
	w.quay.SetDefaultPermission(organization, robot, quaytest.Write)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tokens = append(w.tokens, token)
	return token
}

// keepInVault puts a credential to a path, and keepInSecret into a Secret.
func (w *world) keepInVault(path, robot, token string) {
	w.Helper()
	v := &memoryVault{w: w}
	metadata, err := v.Metadata(w.Context(), path)
	if err == nil {
		_, err = v.Write(w.Context(), path, vault.Data{"username": secret.New(robot), "token": secret.New(token)}, metadata.Current)
	}
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) keepInSecret(namespace, name, robot, token string) {
	w.Helper()
	auth := base64.StdEncoding.EncodeToString([]byte(robot + ":" + token))
	file := fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, w.quay.Host(), auth)
	if err := w.kube.Tracker().Add(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Type: corev1.SecretTypeDockerConfigJson,
		Data: map[string][]byte{corev1.DockerConfigJsonKey: []byte(file)}}); err != nil {
		w.Fatal(err)
	}
}

// reads has an ExternalSecret in a team's namespace, as somebody wrote it, that reads a path.
func (w *world) reads(team, path string) {
	w.Helper()
	namespace := "apps-" + team + "-sample"
	object := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
		"metadata": map[string]any{"name": "quay-robot-team-" + team, "namespace": namespace},
		"spec":     map[string]any{"dataFrom": []any{map[string]any{"extract": map[string]any{"key": path}}}}}}
	for _, err := range []error{
		w.kube.Tracker().Add(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace, Labels: map[string]string{"apps.platform/team": team}}}),
		w.dynamic.Tracker().Create(externalsecret.Resource, object, namespace),
	} {
		if err != nil {
			w.Fatal(err)
		}
	}
	w.syncNamed(namespace, object.GetName())
}

// madeKey is the token of the robot that a script made by hand last.
type madeKey struct{}

func init() {
	// by-hand has a robot that somebody made: by-hand ROBOT vault PATH, or secret NAMESPACE/NAME.
	commands["by-hand"] = func(ts *testscript.TestScript, _ bool, args []string) {
		w := ts.Value(worldKey{}).(*world)
		token := w.byHand(args[0])
		*ts.Value(madeKey{}).(*string) = token
		if args[1] == "vault" {
			w.keepInVault(args[2], args[0], token)
			return
		}
		namespace, name, _ := strings.Cut(args[2], "/")
		w.keepInSecret(namespace, name, args[0], token)
	}
	// token-of fails unless the robot has the token with which it was made by hand.
	commands["token-of"] = func(ts *testscript.TestScript, _ bool, args []string) {
		if w := ts.Value(worldKey{}).(*world); w.quay.RobotToken(args[0]) != *ts.Value(madeKey{}).(*string) {
			ts.Fatalf("the robot has another token")
		}
	}
	// eso has an ExternalSecret in a team's own namespace: eso TEAM PATH.
	commands["eso"] = func(ts *testscript.TestScript, _ bool, args []string) {
		ts.Value(worldKey{}).(*world).reads(args[0], args[1])
	}
}

// A Secret that another team has as well is no team's to adopt, and the exit code is that of a refusal; nothing is written.
func TestAdoptOfASharedToken(t *testing.T) {
	w := newWorld(t)
	w.onboard("platform")
	token := w.byHand("team-payments+ci")
	w.keepInVault("apps/retail/checkout/ci/quay-robot", "team-payments+ci", token)
	// Somebody put it into the other team's path, too.
	w.keepInVault("apps/platform/app/ci/quay-robot", "team-payments+ci", token)
	exit, stdout, stderr := w.run(t.Context(), "", "adopt", "payments", "--division", "retail", "--app", "checkout", "--apply")
	if exit != cli.ExitRefused || !strings.Contains(stderr, `another team has the same: the path "apps/platform/app/ci/quay-robot" of team "platform" has robot "team-payments+ci"`) {
		t.Errorf("exit %d: %s%s", exit, stdout, stderr)
	}
	if list, err := w.dynamic.Resource(externalsecret.Resource).Namespace(shared).List(t.Context(), metav1.ListOptions{}); err != nil || len(list.Items) != 1 {
		t.Errorf("ExternalSecrets are %v, %v", list, err)
	}
}

// A Secret that an ExternalSecret of another name renders is refused before anything is written: External Secrets would not take it over.
func TestAdoptOfAnothersSecret(t *testing.T) {
	w := newWorld(t)
	token := w.byHand("team-payments+ci")
	w.keepInSecret(shared, "quay-robot-team-payments", "team-payments+ci", token)
	secrets := w.kube.CoreV1().Secrets(shared)
	found, err := secrets.Get(t.Context(), "quay-robot-team-payments", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"adopt", "payments", "--division", "retail", "--app", "checkout", "--from-secret", shared + "/quay-robot-team-payments", "--apply"}
	for owner, want := range map[string]cli.Exit{"payments-quay": cli.ExitRefused, "quay-robot-team-payments": cli.ExitOK} {
		found.OwnerReferences = []metav1.OwnerReference{{Kind: "ExternalSecret", Name: owner, Controller: new(true)}}
		if _, err := secrets.Update(t.Context(), found, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		exit, _, stderr := w.run(t.Context(), "", append(args, "--dry-run")...)
		if exit != want || want != cli.ExitOK && !strings.Contains(stderr, `is kept by ExternalSecret "payments-quay"`) {
			t.Errorf("of %s: exit %d, %s", owner, exit, stderr)
		}
	}
	if len(w.versions) != 0 {
		t.Errorf("Vault has %v", w.versions)
	}
}

// What config-tenancy names already stays when a further robot of another name is adopted, and --config is not written to.
func TestAdoptNamesTheRobot(t *testing.T) {
	w := newWorld(t)
	for i, team := range []string{"payments", "platform"} {
		robot := fmt.Sprintf("team-%s+push.%d", team, i)
		w.keepInVault("apps/retail/"+team+"/ci/quay-robot", robot, w.byHand(robot))
		out := w.must("adopt", team, "--division", "retail", "--app", team, "--robot", robot, "--apply")
		// It is tried against the other team's repositories.
		if want := fmt.Sprintf("to none of %d others", i); !strings.Contains(out, want) {
			t.Errorf("%s: it lacks %q:\n%s", team, want, out)
		}
	}
	names, err := w.kube.CoreV1().ConfigMaps("quay-push").Get(t.Context(), "config-tenancy", metav1.GetOptions{})
	if err != nil || names.Data["adopted-robots"] != "team-payments+push.0, team-platform+push.1" || names.Data["registry"] != w.quay.Host() {
		t.Errorf("config-tenancy has %v, %v", names.Data, err)
	}
	w.sync()
	w.must("verify", "--all")
}

// The cluster fails at each write in turn: the team's pushes have what they had, and the next run gets to the end.
func TestAdoptGoesOnAfterTheClusterFails(t *testing.T) {
	args := []string{"adopt", "payments", "--division", "retail", "--app", "checkout", "-n", "apps-payments", "--robot", "team-payments+jenkins",
		"--from-secret", shared + "/quay-push", "--apply"}
	points := 0
	for failAt := 1; ; failAt++ {
		w := newWorld(t)
		token := w.byHand("team-payments+jenkins")
		w.keepInSecret(shared, "quay-push", "team-payments+jenkins", token)
		writes := 0
		fail := func(clienttesting.Action) (bool, runtime.Object, error) {
			if writes++; writes == failAt {
				return true, nil, apierrs.NewInternalError(errors.New("etcd has no leader"))
			}
			return false, nil, nil
		}
		w.dynamic.PrependReactor("patch", "*", fail)
		w.kube.PrependReactor("patch", "*", fail)
		exit, _, stderr := w.run(t.Context(), "", args...)
		if exit == cli.ExitOK {
			break
		}
		points++
		if kept, err := w.kube.CoreV1().Secrets(shared).Get(t.Context(), "quay-push", metav1.GetOptions{}); err != nil || w.quay.RobotToken("team-payments+jenkins") != token ||
			!strings.Contains(stderr, "etcd has no leader") || len(kept.Data) != 1 {
			t.Errorf("failure %d: %v, %s", failAt, err, stderr)
		}
		w.must(args...)
		w.must("verify", "payments")
	}
	// The ConfigMap, Namespace and ResourceQuota, ExternalSecret, Role and RoleBinding.
	if points != 6 {
		t.Errorf("%d points", points)
	}
}
