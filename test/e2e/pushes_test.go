//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/cli"
	"github.com/comptech-lab/quay-push/test/stage"
)

// wantListed fails unless tkn quay pushes has a run of payments that pushed, as the run's own results have it and with its robot, and one
// that was refused, each once.
func wantListed(t *testing.T, ctx context.Context, done, refused *pipelinev1.PipelineRun) {
	t.Helper()
	t.Setenv("QUAY_TOKEN", s.Quay.OAuthToken())
	program := cli.New()
	var stdout, told strings.Builder
	program.Out, program.Err, program.Transport = &stdout, &told, s.Quay.Transport
	if exit := program.Run(ctx, []string{"pushes", stage.Payments.Team, "-n", done.Namespace, "--since", "15m", "-o", "json"}); exit != cli.ExitOK || strings.Contains(told.String(), "not read") {
		t.Fatalf("exit %d\n%s%s", exit, stdout.String(), told.String())
	}
	var list struct {
		Pushes []struct {
			Run, Who, Repository, Digest, Rule, Refused, Source string
			Bytes                                               *int64
		}
	}
	if err := json.Unmarshal([]byte(stdout.String()), &list); err != nil {
		t.Fatal(err)
	}
	results, err := s.TaskResults(ctx, done, "push")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	for _, p := range list.Pushes {
		found[p.Run]++
		switch p.Run {
		case done.Name:
			if p.Digest != results[v1alpha1.ResultImageDigest] || p.Repository != stage.Payments.Repository || p.Source != "controller" || p.Rule == "" || p.Refused != "" ||
				p.Bytes == nil || strconv.FormatInt(*p.Bytes, 10) != results[v1alpha1.ResultPushedBytes] || p.Who != "team-payments+ci" {
				t.Errorf("the push is %+v, its results %v", p, results)
			}
		case refused.Name:
			if !strings.HasPrefix(p.Refused, v1alpha1.ReasonImageOutsideOrganization+": ") || p.Digest != "" || p.Bytes != nil {
				t.Errorf("the refusal is %+v", p)
			}
		}
	}
	if found[done.Name] != 1 || found[refused.Name] != 1 {
		t.Errorf("listed are %v", found)
	}
}
