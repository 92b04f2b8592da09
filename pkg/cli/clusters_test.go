package cli_test

import (
	"encoding/json"
	"strings"
	"testing"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/cli"
	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/externalsecret"
)

// withWest adds a cluster that renders the same credentials: team payments is onboarded in both, team platform in the first alone.
func (w *world) withWest() *world {
	w.Helper()
	west := newWorld(w.TB)
	west.quay, west.versions, west.namespace = w.quay, w.versions, "west"
	west.set("registry", w.quay.Host())
	w.clusters = map[string]*world{"west": west}
	w.onboard("payments")
	w.onboard("platform")
	w.must("onboard", "payments", "--division", "payments", "--app", "app", "--apply", "--context", "west")
	west.sync()
	return w
}

// set sets a key of config-tenancy.
func (w *world) set(key, value string) {
	w.Helper()
	configs := w.kube.CoreV1().ConfigMaps("quay-push")
	found, err := configs.Get(w.Context(), config.Name, metav1.GetOptions{})
	if err != nil {
		w.Fatal(err)
	}
	found.Data[key] = value
	if _, err := configs.Update(w.Context(), found, metav1.UpdateOptions{}); err != nil {
		w.Fatal(err)
	}
}

// carries is the user name in the team's Secret.
func (w *world) carries(team string) string {
	w.Helper()
	secret, err := w.kube.CoreV1().Secrets(shared).Get(w.Context(), "quay-robot-team-"+team, metav1.GetOptions{})
	if err != nil {
		w.Fatal(err)
	}
	var file struct {
		Auths map[string]struct{ Auth []byte }
	}
	if err := json.Unmarshal(secret.Data[corev1.DockerConfigJsonKey], &file); err != nil {
		w.Fatal(err)
	}
	name, _, _ := strings.Cut(string(file.Auths[w.quay.Host()].Auth), ":")
	return name
}

// Every cluster that is named has the new credential before the old robot goes; a team that one of them does not have is right without.
func TestRotateInEveryCluster(t *testing.T) {
	for name, test := range map[string]struct {
		clusters string
		flags    []string
	}{
		"by the flags":  {"", []string{"--context", "east", "--context", "west"}},
		"by the config": {"east, west", nil},
		"by both":       {"west east", []string{"-c", "east"}},
		"the other way": {"", []string{"-c", "west", "-c", "east"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t).withWest()
			w.set("clusters", test.clusters)
			west := w.clusters["west"]
			exit, out, stderr := w.run(t.Context(), "", append([]string{"rotate", "payments"}, test.flags...)...)
			if exit != cli.ExitOK || !strings.Contains(out, `of cluster "east" has the token of "team-payments+ci-2"`) || !strings.Contains(out, `of cluster "west" has the token of "team-payments+ci-2"`) {
				t.Fatalf("exit %d\n%s%s", exit, out, stderr)
			}
			if w.carries("payments") != "team-payments+ci-2" || west.carries("payments") != "team-payments+ci-2" || w.quay.RobotToken("team-payments+ci") != "" {
				t.Errorf("the Secrets have %q and %q", w.carries("payments"), west.carries("payments"))
			}
			// The Lease is where everybody looks for it.
			for cluster, want := range map[*world]int{w: 1, west: 0} {
				if leases, err := cluster.kube.CoordinationV1().Leases("quay-push").List(t.Context(), metav1.ListOptions{}); err != nil || len(leases.Items) != want {
					t.Errorf("cluster %q has %d Leases, want %d, %v", cluster.namespace, len(leases.Items), want, err)
				}
			}
			if name == "the other way" {
				return // That one has no team platform.
			}
			w.must(append([]string{"rotate", "platform"}, test.flags...)...)
			if out := w.must(append([]string{"verify", "--all"}, test.flags...)...); !strings.Contains(out, "2 tenants, 2 are right") {
				t.Error(out)
			}
			west.asleep = true
			w.must("rotate", "platform", "-c", "east", "--config", w.alone())
			if w.must(append([]string{"verify", "platform"}, test.flags...)...); w.carries("platform") != "team-platform+ci-3" {
				t.Errorf("the Secret of team platform has %q", w.carries("platform"))
			}
		})
	}
}

// alone is a file with the names, and no other cluster.
func (w *world) alone() string {
	w.Helper()
	return w.file("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: config-tenancy}\ndata: {registry: \"" + w.quay.Host() + "\"}\n")
}

// A cluster that does not answer is named, and its credential is not taken from under it; a leak is ended all the same.
func TestAClusterThatIsAway(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		exit cli.Exit
		text string
		gone bool
	}{
		"rotate":                {[]string{"rotate", "payments"}, cli.ExitFailure, `cluster "west": dial tcp: lookup api.west.example.com`, false},
		"leak, replacing first": {[]string{"leak", "payments", "--since", "1h", "--first", "replace"}, cli.ExitFailure, `nothing was burnt, as the new robot comes first and failed: cluster "west": dial tcp`, false},
		"leak":                  {[]string{"leak", "payments", "--since", "1h"}, cli.ExitFailure, `cluster "west": dial tcp`, true},
		"offboard":              {[]string{"offboard", "payments", "--yes"}, cli.ExitFailure, `cluster "west": dial tcp`, false},
		"offboard, a plan":      {[]string{"offboard", "payments", "--dry-run"}, cli.ExitFailure, `cluster "west": dial tcp`, false},
		"verify":                {[]string{"verify", "payments"}, 20, `the cluster answers                                     cluster "west": dial tcp`, false},
		"verify --all":          {[]string{"verify", "--all"}, 20, `the cluster answers  cluster "west": dial tcp`, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t).withWest()
			west := w.clusters["west"]
			w.clusters = nil
			exit, out, stderr := w.run(t.Context(), "", append(test.args, "--context", "east", "--context", "west")...)
			if exit != test.exit || !strings.Contains(out+stderr, test.text) {
				t.Errorf("exit %d, want %d, %q:\n%s%s", exit, test.exit, test.text, out, stderr)
			}
			if pushes := w.quay.Role("team-payments/app", "team-payments+ci") == quaytest.Write; pushes == test.gone {
				t.Errorf("the robot in use may push: %t", pushes)
			}
			// It is back, and the same again is right for both.
			w.clusters = map[string]*world{"west": west}
			w.must(append(test.args, "--context", "east", "--context", "west")...)
		})
	}
}

// A cluster that only another one's config names is waited for as well.
func TestClustersThatAnotherOneNames(t *testing.T) {
	w := newWorld(t).withWest()
	south := newWorld(t)
	south.quay, south.versions, south.namespace = w.quay, w.versions, "south"
	south.set("registry", w.quay.Host())
	w.clusters["south"] = south
	w.must("onboard", "payments", "--division", "payments", "--app", "app", "--apply", "--context", "south")
	south.sync()
	w.clusters["west"].set("clusters", "south, west, east")
	if out := w.must("rotate", "payments", "--context", "east", "--context", "west"); !strings.Contains(out, `of cluster "south" has the token of "team-payments+ci-2"`) || south.carries("payments") != "team-payments+ci-2" {
		t.Errorf("the Secret there has %q\n%s", south.carries("payments"), out)
	}
}

func TestContextsThatCannotBe(t *testing.T) {
	for name, test := range map[string]struct {
		clusters string
		args     []string
		text     string
	}{
		"a command for one cluster":  {"", []string{"explain", "pipelinerun", "x", "-c", "east", "-c", "west"}, "--context is given 2 times, and tkn quay explain pipelinerun looks at one cluster"},
		"one twice":                  {"", []string{"rotate", "payments", "-c", "west", "-c", "west"}, `--context "west" is given twice`},
		"a cluster of another fleet": {"north, south", []string{"rotate", "payments"}, `ConfigMap config-tenancy has the clusters north, south, and the context "east" is none of them`},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t).withWest()
			w.set("clusters", test.clusters)
			if exit, _, stderr := w.run(t.Context(), "", test.args...); exit != cli.ExitUsage || !strings.Contains(stderr, test.text) || !strings.Contains(stderr, "\nnext: ") {
				t.Errorf("exit %d\n%s", exit, stderr)
			}
		})
	}
}

// The other cluster's ExternalSecret reads another path, or its runs go on: nothing is taken.
func TestTheOtherClusterHasItsSay(t *testing.T) {
	w := newWorld(t).withWest()
	west := w.clusters["west"]
	run := &pipelinev1.PipelineRun{ObjectMeta: metav1.ObjectMeta{Namespace: shared, Name: "run", UID: "u1", Labels: map[string]string{"apps.platform/team": "payments"}}}
	if err := west.tekton.Tracker().Add(run); err != nil {
		t.Fatal(err)
	}
	both := []string{"--context", "east", "--context", "west"}
	if exit, _, stderr := w.run(t.Context(), "", append([]string{"rotate", "payments", "--timeout", "2s"}, both...)...); exit != cli.ExitTimeout || !strings.Contains(stderr, "1 left: west: openshift-pipelines/run/u1") {
		t.Errorf("exit %d\n%s", exit, stderr)
	}
	if exit, _, stderr := w.run(t.Context(), "", append([]string{"offboard", "payments", "--yes"}, both...)...); exit != cli.ExitConflict || !strings.Contains(stderr, "west: openshift-pipelines/run/u1") {
		t.Errorf("exit %d\n%s", exit, stderr)
	}
	if err := west.tekton.Tracker().Delete(pipelinev1.SchemeGroupVersion.WithResource("pipelineruns"), shared, "run"); err != nil {
		t.Fatal(err)
	}
	w.must(append([]string{"rotate", "payments"}, both...)...)
	object := west.externalSecret("payments").DeepCopy()
	object.Object["spec"].(map[string]any)["dataFrom"] = []any{map[string]any{"extract": map[string]any{"key": "apps/x/y/ci/quay-robot"}}}
	if err := west.dynamic.Tracker().Update(externalsecret.Resource, object, shared); err != nil {
		t.Fatal(err)
	}
	if exit, _, stderr := w.run(t.Context(), "", append([]string{"rotate", "payments"}, both...)...); exit != cli.ExitRefused || !strings.Contains(stderr, `of cluster "west" reads "apps/x/y/ci/quay-robot" and not "apps/payments/app/ci/quay-robot"`) {
		t.Errorf("exit %d\n%s", exit, stderr)
	}
	out := w.must(append([]string{"offboard", "payments", "--yes", "--apply"}, both...)...)
	if !strings.Contains(out, "deleted ExternalSecret openshift-pipelines/quay-robot-team-payments") || !strings.Contains(out, "deleted cluster west: ExternalSecret openshift-pipelines/quay-robot-team-payments") {
		t.Error(out)
	}
}
