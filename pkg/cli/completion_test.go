package cli_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/comptech-lab/quay-push/pkg/cli"
)

// offered is what a shell is offered for a command line that ends in the word to complete.
func (w *world) offered(line ...string) []string {
	w.Helper()
	_, stdout, _ := w.run(w.Context(), "", append([]string{"__complete"}, line...)...)
	names := []string{}
	for row := range strings.Lines(stdout) {
		if name, _, _ := strings.Cut(strings.TrimSpace(row), "\t"); name != "" && !strings.HasPrefix(name, ":") {
			names = append(names, name)
		}
	}
	return names
}

// Whatever has a name is offered.
func TestCompletion(t *testing.T) {
	w := newWorld(t)
	w.onboard("payments")
	if err := w.kube.Tracker().Add(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "search-dev", Labels: map[string]string{"apps.platform/team": "search"}}}); err != nil {
		t.Fatal(err)
	}
	for _, run := range []runtime.Object{
		&pipelinev1.PipelineRun{ObjectMeta: metav1.ObjectMeta{Namespace: "search-dev", Name: "build-1"}},
		&pipelinev1.PipelineRun{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "build-2"}},
		&v1beta1.CustomRun{ObjectMeta: metav1.ObjectMeta{Namespace: "search-dev", Name: "build-1-push"}},
	} {
		if err := w.tekton.Tracker().Add(run); err != nil {
			t.Fatal(err)
		}
	}
	for line, want := range map[string]string{
		"verify ":                        "payments search",
		"onboard p":                      "payments platform",
		"rotate s":                       "search",
		"leak payments ":                 "--since",
		"verify payments -n ":            shared + " quay-push search-dev",
		"onboard platform --namespace s": "search-dev",
		"explain pipelinerun ":           "build-2",
		"explain pr -n search-dev b":     "build-1",
		"explain customrun --namespace search-dev ": "build-1-push",
		"explain pipelinerun -n s":                  "search-dev",
		"doctor -o ":                                "json table yaml",
		"pushes -o ":                                "json table wide yaml",
		"overlay promote x --to ":                   "prd stg",
		"help over":                                 "overlay",
		"help overlay s":                            "set",
	} {
		got := w.offered(strings.Split(line, " ")...)
		slices.Sort(got)
		if strings.Join(got, " ") != want {
			t.Errorf("%q offers %q, want %q", line, got, want)
		}
	}
	if got := w.offered("leak", "payments", ""); slices.Contains(got, "payments") {
		t.Errorf("a second team is offered: %q", got)
	}
}

// The shell offers where the directory's digests may go.
func TestCompletionOfPromote(t *testing.T) {
	w := newWorld(t)
	clone(t)
	const app = "apps/payments/checkout/overlays/"
	for _, test := range []struct{ want, directory string }{
		{"stg", app + "dev"}, {"stg", "./" + app + "dev/kustomization.yaml"}, {"prd", app + "stg/"}, {"", app + "prd"}, {"prd stg", app + "qa"}, {"prd stg", "apps"},
	} {
		got := w.offered("overlay", "promote", test.directory, "--to", "")
		slices.Sort(got)
		if strings.Join(got, " ") != test.want {
			t.Errorf("after %q it offers %q, want %q", test.directory, got, test.want)
		}
	}
	if got := w.offered("overlay", "promote", "--to", ""); len(got) != 2 {
		t.Errorf("before the directory it offers %q", got)
	}
}

// A shell waits for an API server that never answers no longer than a person does.
func TestCompletionEnds(t *testing.T) {
	silent := silence(t)
	p := cli.New()
	p.Out, p.Err = &strings.Builder{}, &strings.Builder{}
	p.Cluster = func(string) (cli.Clients, error) {
		kube, err := kubernetes.NewForConfig(&rest.Config{Host: silent})
		return cli.Clients{Kube: kube}, err
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if p.Run(ctx, []string{"__complete", "verify", ""}); ctx.Err() != nil {
		t.Error("it waited for a minute")
	}
	if exit := p.Run(ctx, []string{"verify", "payments", "--timeout", "100ms"}); exit != cli.ExitTimeout || !strings.Contains(p.Err.(*strings.Builder).String(), "\nnext: see whether kubectl version gets an answer") {
		t.Errorf("exit %d: %s", exit, p.Err)
	}
}
