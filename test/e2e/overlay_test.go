//go:build e2e

package e2e

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/test/stage"
)

// sourceCommit is what a trigger would say was built.
const sourceCommit = "3f4781f2c0ffee00000000000000000000000000"

// The digest of a push ends up in the app's dev overlay, on a branch of its own, in one line; a second run changes nothing.
func TestOverlay(t *testing.T) {
	ctx := within(t, 6*time.Minute)
	tenant := stage.Payments
	repository := newRepository(t, ctx, tenant)
	before := branches(t, ctx, repository)
	for dir, want := range map[string]string{"base": ":placeholder", "overlays/dev": "@sha256:REPLACED_BY_CI"} {
		if built := build(t, ctx, repository, "main", dir); built != tenant.Repository+want {
			t.Errorf("%s before: %s, want %s", dir, built, want)
		}
	}
	params := map[string]string{"image-ref": tenant.Repository, "tag": "overlay", "git-url": repository.URL, "git-secret": tenant.GitSecret,
		"team": tenant.Team, "app": tenant.App, "source-commit": sourceCommit}
	results := succeed(t, ctx, stage.NewRun(tenant, "build-and-push-image", params))
	digest, head := results[v1alpha1.ResultImageDigest], results["overlay-commit"]
	if served, err := s.Quay.TagDigest(ctx, tenant.Repository, "overlay"); err != nil || digest == "" || served != digest {
		t.Errorf("reported %q, Quay serves %q, %v", digest, served, err)
	}
	const branch = "ci/dev/3f4781f2"
	if results["overlay-branch"] != branch || results["overlay-changed"] != "true" {
		t.Errorf("results %v", results)
	}
	want := map[string]string{"main": before["main"], branch: head}
	if got := branches(t, ctx, repository); !maps.Equal(got, want) || head == "" {
		t.Errorf("branches %v, want %v", got, want)
	}
	for want, args := range map[string][]string{
		"bump: payments/checkout dev @" + digest[len("sha256:"):][:8]:  {"log", "--format=%s", "main.." + head},
		"1\t1\t" + repository.App + "/overlays/dev/kustomization.yaml": {"diff", "--numstat", "main", head},
	} {
		if got, err := repository.Git(ctx, args...); err != nil || got != want {
			t.Errorf("git %v: %q, %v, want %q", args, got, err, want)
		}
	}
	if built := build(t, ctx, repository, head, "overlays/dev"); built != tenant.Repository+"@"+digest {
		t.Errorf("after: %s, want digest %s", built, digest)
	}
	for _, dir := range []string{"overlays/stg", "overlays/prd", "base"} {
		if was, is := build(t, ctx, repository, "main", dir), build(t, ctx, repository, head, dir); was != is {
			t.Errorf("%s: %s, was %s", dir, is, was)
		}
	}

	params["dockerconfig-secret"] = tenant.Secret
	again := succeed(t, ctx, stage.NewRun(tenant, "build-and-push-quay", params))
	if again["overlay-changed"] != "false" || again["overlay-branch"] != branch || again["overlay-commit"] != head || again[v1alpha1.ResultImageDigest] != digest {
		t.Errorf("the second run's results %v, the first run's %v", again, results)
	}
	if got := branches(t, ctx, repository); !maps.Equal(got, want) {
		t.Errorf("branches after the second run %v, want %v", got, want)
	}
}

// What cannot work ends at once, says why, and writes nothing: neither to the repository, nor a password anywhere, which the
// server sends back.
func TestOverlayRefused(t *testing.T) {
	ctx := within(t, 4*time.Minute)
	tenant := stage.Payments
	repository := newRepository(t, ctx, tenant)
	before := branches(t, ctx, repository)
	const wrong = "glpat-wrong-but-secret"
	if err := s.PutGitSecret(ctx, tenant, "gitlab-bot-wrong", wrong); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		params map[string]string
		want   string
	}{
		"wrong password":  {map[string]string{"git-secret": "gitlab-bot-wrong"}, "authentication required: no user gitlab-bot with … (Basic …)"},
		"no such Secret":  {map[string]string{"git-secret": "gitlab-bot-none"}, "the Git credential cannot be read"},
		"no Secret named": {map[string]string{"git-secret": ""}, "secretName"},
		"no such app":     {map[string]string{"app": "none"}, `apps/payments/none/overlays/dev/kustomization.yaml\" does not exist`},
		"another image":   {map[string]string{"image": stage.Platform.Repository}, "reason=no-entry"},
		"no such repository": {map[string]string{"repository": repository.URL[:len(repository.URL)-len(".git")] + "-none.git"},
			"see whether --repository is right"},
	} {
		t.Run(name, func(t *testing.T) {
			params := map[string]string{"repository": repository.URL, "git-secret": tenant.GitSecret, "team": tenant.Team, "app": tenant.App,
				"image": tenant.Repository, "digest": "sha256:" + strings.Repeat("a", 64)}
			maps.Copy(params, test.params)
			run, told := updateOverlay(t, ctx, tenant, params)
			outcome := stage.Outcome(run.Status.Conditions)
			took := run.Status.CompletionTime.Sub(run.CreationTimestamp.Time)
			if outcome.Status != corev1.ConditionFalse || outcome.Reason == string(pipelinev1.TaskRunReasonTimedOut) {
				t.Errorf("after %s: %s: %s", took, outcome.Reason, outcome.Message)
			}
			if !strings.Contains(told, test.want) {
				t.Errorf("it does not say %q:\n%s", test.want, told)
			}
			for _, secret := range []string{wrong, s.Git.Password} {
				for _, form := range []string{secret, base64.StdEncoding.EncodeToString([]byte(s.Git.Username + ":" + secret))} {
					if strings.Contains(told, form) {
						t.Errorf("a password got out:\n%s", strings.ReplaceAll(told, form, "…"))
					}
				}
			}
			t.Logf("%s after %s", outcome.Reason, took)
		})
	}
	if got := branches(t, ctx, repository); !maps.Equal(got, before) {
		t.Errorf("branches %v, were %v", got, before)
	}
}

// updateOverlay runs the Task alone until it ends. It returns the TaskRun, and all that one can read about it: its state, its
// Pod's log, and the events of both.
func updateOverlay(t *testing.T, ctx context.Context, tenant stage.Tenant, params map[string]string) (*pipelinev1.TaskRun, string) {
	t.Helper()
	run := &pipelinev1.TaskRun{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "update-overlay-", Namespace: tenant.Namespace},
		Spec:       pipelinev1.TaskRunSpec{TaskRef: &pipelinev1.TaskRef{Name: "update-overlay-digest"}, Timeout: &metav1.Duration{Duration: 40 * time.Second}},
	}
	for name, value := range params {
		run.Spec.Params = append(run.Spec.Params, pipelinev1.Param{Name: name, Value: *pipelinev1.NewStructuredValues(value)})
	}
	run, err := s.Tekton.TektonV1().TaskRuns(tenant.Namespace).Create(ctx, run, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if run, err = s.WaitTaskRun(ctx, run); err != nil {
		t.Fatal(err)
	}
	state, err := json.Marshal(run)
	if err != nil {
		t.Fatal(err)
	}
	told := string(state)
	if pod := run.Status.PodName; pod != "" {
		log, err := s.Kube.CoreV1().Pods(tenant.Namespace).GetLogs(pod, &corev1.PodLogOptions{Container: "step-update"}).DoRaw(ctx)
		if err != nil {
			t.Fatalf("reading the log: %v", err)
		}
		told += "\n" + string(log)
	}
	events, err := s.Kube.CoreV1().Events(tenant.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events.Items {
		if strings.HasPrefix(e.InvolvedObject.Name, run.Name) {
			told += "\n" + e.Message
		}
	}
	return run, told
}

func newRepository(t *testing.T, ctx context.Context, tenant stage.Tenant) *stage.Repository {
	t.Helper()
	repository, err := s.NewRepository(ctx, t.TempDir(), tenant)
	if err != nil {
		t.Fatal(err)
	}
	return repository
}

func branches(t *testing.T, ctx context.Context, r *stage.Repository) map[string]string {
	t.Helper()
	all, err := r.Branches(ctx)
	if err != nil || all["main"] == "" {
		t.Fatal(all, err)
	}
	return all
}

func build(t *testing.T, ctx context.Context, r *stage.Repository, commit, dir string) string {
	t.Helper()
	image, err := r.Build(ctx, commit, dir)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// succeed runs a PipelineRun, which must succeed, and returns its results.
func succeed(t *testing.T, ctx context.Context, run *pipelinev1.PipelineRun) map[string]string {
	t.Helper()
	run, err := s.Run(ctx, run)
	if err != nil {
		t.Fatal(err)
	}
	if outcome := stage.Outcome(run.Status.Conditions); outcome.Status != corev1.ConditionTrue {
		t.Fatalf("%s: %s", outcome.Reason, outcome.Message)
	}
	return stage.Results(run)
}
