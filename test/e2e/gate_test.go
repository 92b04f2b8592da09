//go:build e2e

package e2e

import (
	"strings"
	"testing"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	"knative.dev/pkg/apis"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/test/stage"
)

// TestGate pushes the same image twice with a gate: the scanner finds nothing in one repository, and the image has its tag; in the other
// one it finds something, and there is no tag at all. test/stage/quay.yaml names that.
func TestGate(t *testing.T) {
	ctx := within(t, 3*time.Minute)
	claim, tenant := imageVolume(t, ctx), stage.Payments
	const tag, vulnerable = "gated", "team-payments/vulnerable"
	client, err := quay.New(quay.Options{URL: "https://" + s.Quay.Host, Token: secret.New(s.Quay.OAuthToken()), HTTPClient: s.Quay.Client()})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.CreateRepository(ctx, vulnerable); err != nil && !quay.IsExists(err) {
		t.Fatal(err)
	}
	if err := client.SetPermission(ctx, vulnerable, "team-payments+ci", quay.Write); err != nil {
		t.Fatal(err)
	}
	push := func(repository string) (outcome apis.Condition, results map[string]string) {
		t.Helper()
		run := stage.From(claim, stage.NewPush(tenant, repository))
		task := &run.Spec.PipelineSpec.Tasks[0]
		task.Params = append(task.Params, pipelinev1.Param{Name: v1alpha1.ParamTag, Value: *pipelinev1.NewStructuredValues(tag)},
			pipelinev1.Param{Name: v1alpha1.ParamGate, Value: *pipelinev1.NewStructuredValues("high")})
		run, err := s.Run(ctx, run)
		if err != nil {
			t.Fatal(err)
		}
		custom, err := s.CustomRunOf(ctx, run)
		if err != nil {
			t.Fatal(err)
		}
		results = map[string]string{}
		for _, r := range custom.Status.Results {
			results[r.Name] = r.Value
		}
		return stage.Outcome(custom.Status.Conditions), results
	}

	outcome, results := push(tenant.Repository)
	if outcome.Status != corev1.ConditionTrue || results[v1alpha1.ResultVulnerabilities] != `{"critical":0,"high":0,"medium":0,"low":0,"negligible":0,"unknown":0}` {
		t.Errorf("nothing was found: %s: %s, results %v", outcome.Reason, outcome.Message, results)
	}
	if got, err := s.Quay.TagDigest(ctx, tenant.Repository, tag); err != nil || got == "" || got != results[v1alpha1.ResultImageDigest] {
		t.Errorf("the tag is %q (%v), the result %q", got, err, results[v1alpha1.ResultImageDigest])
	}

	outcome, results = push(s.Quay.Host + "/" + vulnerable)
	if outcome.Status != corev1.ConditionFalse || !strings.Contains(outcome.Message, "QP501 vulnerable") || !strings.Contains(outcome.Message, "update openssl to 1.1.1k-9") {
		t.Errorf("one was found: %s: %s", outcome.Reason, outcome.Message)
	}
	if got := results[v1alpha1.ResultVulnerabilities]; got != `{"critical":1,"high":0,"medium":0,"low":0,"negligible":0,"unknown":0}` {
		t.Errorf("the result is %q", got)
	}
	if tags, err := client.Tags(ctx, vulnerable, time.Time{}); err != nil || len(tags) > 0 {
		t.Errorf("it has the tags %v (%v)", tags, err)
	}
}
