//go:build e2e

package e2e

import (
	"crypto/rand"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/pkg/cli"
	"github.com/comptech-lab/quay-push/test/stage"
)

// A run of build, push and overlay is followed from its beginning, each task in its turn while it runs, and ends as the run does; what was
// read while it ran is what is read afterwards.
func TestLogs(t *testing.T) {
	ctx := within(t, 4*time.Minute)
	tenant := stage.Payments
	repository := newRepository(t, ctx, tenant)
	run := stage.NewRun(tenant, "build-and-push-image", map[string]string{"image-ref": tenant.Repository, "tag": "logs-" + strings.ToLower(rand.Text()[:8]), "git-url": repository.URL,
		"git-secret": tenant.GitSecret, "team": tenant.Team, "app": tenant.App, "source-commit": sourceCommit})
	made, err := s.Tekton.TektonV1().PipelineRuns(run.Namespace).Create(ctx, run, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	follow := func(name string, want cli.Exit) (tasks []string, out, stderr string) {
		t.Helper()
		program := cli.New()
		var stdout, told strings.Builder
		program.Out, program.Err = &stdout, &told
		if exit := program.Run(ctx, []string{"logs", name, "--namespace", made.Namespace}); exit != want {
			t.Fatalf("exit %d, want %d\n%s%s", exit, want, stdout.String(), told.String())
		}
		for _, line := range regexp.MustCompile(`(?m)^\[(\S+) : `).FindAllStringSubmatch(stdout.String(), -1) {
			tasks = append(tasks, line[1])
		}
		return slices.Compact(tasks), stdout.String(), told.String()
	}
	tasks, out, told := follow(made.Name, cli.ExitOK)
	if want := []string{"build", "push", "update-overlay"}; !slices.Equal(tasks, want) {
		t.Errorf("the log is of %v, want %v\n%s%s", tasks, want, out, told)
	}
	if !strings.Contains(told, "PipelineRun "+made.Name+" succeeded: ") {
		t.Errorf("it ended with %s", told)
	}
	if _, again, _ := follow(made.Name, cli.ExitOK); again != out {
		t.Errorf("while it ran it was\n%s\nafterwards\n%s", out, again)
	}

	foreign, err := s.Run(ctx, stage.NewPush(stage.Payments, stage.Platform.Repository))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, told := follow(foreign.Name, cli.ExitFindings); !strings.Contains(told, "ImageOutsideOrganization: ") {
		t.Errorf("of a refusal it says %s", told)
	}
	wantListed(t, ctx, made, foreign)
}
