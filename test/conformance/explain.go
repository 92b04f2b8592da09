package conformance

import (
	"encoding/json"
	"slices"
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	"github.com/comptech-lab/quay-push/pkg/cli"
	"github.com/comptech-lab/quay-push/pkg/config"
)

// explanation is what tkn quay explain says of a run.
type explanation struct {
	Allowed         bool
	Reason, Message string
	Rules           []struct{ Rule, Outcome, Detail string }
}

// of returns the rules with that outcome.
func (e explanation) of(outcome string) (rules []string) {
	for _, r := range e.Rules {
		if r.Outcome == outcome {
			rules = append(rules, r.Rule)
		}
	}
	return rules
}

// shell is the tool as a shell runs it.
var shell = *cli.New()

// install has explain find the ConfigMap that the controller has, and the controller's right to Secrets.
func (s *scene) install(settings map[string]string) {
	s.t.Helper()
	if err := s.Kube.Tracker().Add(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: config.Namespace, Name: config.Name}, Data: settings}); err != nil {
		s.t.Fatal(err)
	}
	s.reads(true)
}

// reads reports whether the controller may read Secrets.
func (s *scene) reads(allowed bool) {
	s.Kube.PrependReactor("create", "subjectaccessreviews", func(a clienttesting.Action) (bool, runtime.Object, error) {
		review := a.(clienttesting.CreateAction).GetObject().(*authorizationv1.SubjectAccessReview)
		review.Status.Allowed = allowed
		return true, review, nil
	})
}

// explain has tkn quay explain the run.
func (s *scene) explain() explanation {
	s.t.Helper()
	var out, stderr strings.Builder
	p := shell
	p.In, p.Out, p.Err, p.Now = strings.NewReader(""), &out, &stderr, s.Clock.Now
	p.Getenv = func(string) string { return "" }
	p.Cluster = func(string) (cli.Clients, error) {
		return cli.Clients{Kube: s.Kube, Tekton: s.Tekton, Dynamic: s.Dynamic, Namespace: ns}, nil
	}
	exit := (&p).Run(s.t.Context(), []string{"explain", "customrun", run, "--output", "json"})
	var printed struct{ Runs []explanation }
	if err := json.Unmarshal([]byte(out.String()), &printed); err != nil || len(printed.Runs) != 1 || exit != cli.ExitOK && exit != cli.ExitRefused {
		s.t.Fatalf("explain ended with %d, %v: %s%s", exit, err, out.String(), stderr.String())
	}
	return printed.Runs[0]
}

// wantExplained checks that the run has ended as explain said before that it would: with the same reason, in the same words.
func (s *scene) wantExplained(e explanation) {
	s.t.Helper()
	c := s.condition()
	if e.Allowed || e.Reason != c.Reason || e.Message != c.Message {
		s.t.Errorf("the controller says %s: %s\nexplain said   %s: %s", c.Reason, c.Message, e.Reason, e.Message)
	}
	if refusing := e.of("refused"); len(refusing) != 1 || slices.ContainsFunc(e.Rules, func(r struct{ Rule, Outcome, Detail string }) bool {
		return r.Outcome == "refused" && !strings.HasPrefix(c.Message, r.Detail)
	}) {
		s.t.Errorf("explain's rules %+v, want one that refuses", e.Rules)
	}
}
