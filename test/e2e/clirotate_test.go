//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	pipelinepod "github.com/tektoncd/pipeline/pkg/apis/pipeline/pod"
	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	tekton "github.com/tektoncd/pipeline/pkg/client/clientset/versioned"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/cli"
	"github.com/comptech-lab/quay-push/test/stage"
)

// pace is the time from one push to the next: 20 a minute.
const pace = 3 * time.Second

// image returns a claim in the shared namespace with an image in it, as a build of team story left it.
func (p *platform) image(ctx context.Context) string {
	p.Helper()
	claims := s.Kube.CoreV1().PersistentVolumeClaims(stage.SharedNamespace)
	claim, err := claims.Create(ctx, &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "story--"},
		Spec: corev1.PersistentVolumeClaimSpec{AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("64Mi")}}},
	}, metav1.CreateOptions{})
	if err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() { _ = claims.Delete(context.Background(), claim.Name, metav1.DeleteOptions{}) })
	p.publish()
	run := p.run(claim.Name)
	run.Spec.PipelineRef.Name, run.Spec.Params = storyBuild, nil
	if run, err = s.Run(ctx, run); err != nil {
		p.Fatal(err)
	}
	if outcome := stage.Outcome(run.Status.Conditions); outcome.Status != corev1.ConditionTrue {
		p.Fatalf("building: %s: %s", outcome.Reason, outcome.Message)
	}
	return claim.Name
}

// The Pipelines of the platform's that team story runs: one builds into the workspace, and one pushes from there.
const storyBuild, storyPush = "story-build", "story-push"

// publish puts both where the platform has them.
func (p *platform) publish() {
	p.Helper()
	pushes := *stage.NewPush(stage.Tenant{}, s.Quay.Host+"/team-story/app").Spec.PipelineSpec
	builds := *pushes.DeepCopy()
	builds.Tasks = []pipelinev1.PipelineTask{{Name: "build", TaskRef: &pipelinev1.TaskRef{Name: "build-image"}, Workspaces: pushes.Tasks[0].Workspaces}}
	pushes.Params = pipelinev1.ParamSpecs{{Name: v1alpha1.ParamTag, Type: pipelinev1.ParamTypeString, Default: pipelinev1.NewStructuredValues("")}}
	pushes.Tasks[0].Params = append(pushes.Tasks[0].Params, pipelinev1.Param{Name: v1alpha1.ParamTag, Value: *pipelinev1.NewStructuredValues("$(params." + v1alpha1.ParamTag + ")")})
	publish(p.T, storyBuild, builds)
	publish(p.T, storyPush, pushes)
}

// run is a PipelineRun of team story in the shared namespace that pushes the image in the claim.
func (p *platform) run(claim string, params ...pipelinev1.Param) *pipelinev1.PipelineRun {
	run := stage.From(claim, stage.NewRun(stage.Tenant{Team: "story", Namespace: stage.SharedNamespace}, storyPush, nil))
	run.Labels = map[string]string{"apps.platform/team": "story"}
	run.Spec.TaskRunTemplate.PodTemplate = &pipelinepod.Template{SecurityContext: &corev1.PodSecurityContext{FSGroup: new(int64(65532))}}
	run.Spec.Params = params
	return run
}

// trigger is the ServiceAccount that onboard let push as team story, with Tekton's part of the rights of a trigger.
func (p *platform) trigger(t *testing.T) tekton.Interface {
	t.Helper()
	grant(t, "trigger-story", rbacv1.PolicyRule{APIGroups: []string{"tekton.dev"}, Resources: []string{"pipelineruns"}, Verbs: []string{"create"}})
	return as(t, "system:serviceaccount:"+stage.SharedNamespace+":trigger-story")
}

// pushes are PipelineRuns of team story, one begun every pace by its trigger, each of which pushes from a Pod of its own.
type pushes struct {
	begun  chan struct{}
	broken chan struct{}
	stop   func()
	ended  sync.WaitGroup

	mu     sync.Mutex
	count  int
	failed []string
}

// push begins pushes; end must be called.
func (p *platform) push(t *testing.T, ctx context.Context, claim string) *pushes {
	ctx, cancel := context.WithCancel(ctx)
	stopping := make(chan struct{})
	u := &pushes{begun: make(chan struct{}, 1000), broken: make(chan struct{}), stop: sync.OnceFunc(func() { close(stopping) })}
	t.Cleanup(func() {
		cancel()
		u.end()
	})
	runs := p.trigger(t).TektonV1().PipelineRuns(stage.SharedNamespace)
	u.ended.Go(func() {
		tick := time.NewTicker(pace)
		defer tick.Stop()
		for n := 0; ; n++ {
			tag := pipelinev1.Param{Name: v1alpha1.ParamTag, Value: *pipelinev1.NewStructuredValues(fmt.Sprint(p.tag, n))}
			run, err := runs.Create(ctx, p.run(claim, tag), metav1.CreateOptions{})
			u.ended.Go(func() { u.note(ctx, run, err) })
			u.begun <- struct{}{}
			select {
			case <-tick.C:
			case <-stopping:
				return
			case <-ctx.Done():
				return
			}
		}
	})
	return u
}

// note waits until a run has ended and writes down how; err says why it could not even be created.
func (u *pushes) note(ctx context.Context, run *pipelinev1.PipelineRun, err error) {
	if err == nil {
		run, err = s.Wait(ctx, run)
	}
	problem := ""
	if err != nil {
		problem = err.Error()
	} else if outcome := stage.Outcome(run.Status.Conditions); outcome.Status != corev1.ConditionTrue {
		problem = run.Name + ": " + outcome.Reason + ": " + outcome.Message
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.count++
	if problem == "" {
		return
	}
	if u.failed = append(u.failed, problem); len(u.failed) == 1 {
		close(u.broken)
	}
}

// more waits until n more runs have begun.
func (u *pushes) more(t *testing.T, ctx context.Context, n int) {
	t.Helper()
	for range n {
		select {
		case <-u.begun:
		case <-ctx.Done():
			t.Fatalf("waiting for a push to begin: %v", ctx.Err())
		}
	}
}

// end begins no more, waits for those that were begun, and returns how many there were and why those failed that did.
func (u *pushes) end() (count int, failed []string) {
	u.stop()
	u.ended.Wait()
	return u.count, u.failed
}

// rotate rotates while 20 runs push in a minute: before, while and after the robot changes. One that began with the old robot is
// waited for, and then that is gone.
func (p *platform) rotate(t *testing.T, ctx context.Context, image string) {
	runs := s.Tekton.TektonV1().PipelineRuns(stage.SharedNamespace)
	old := p.inUse(ctx)
	token := p.token(ctx, old)
	began := time.Now()
	pushing := p.push(t, ctx, image)
	pushing.more(t, ctx, 7)
	slow := p.run(image)
	slow.Spec.Status = pipelinev1.PipelineRunSpecStatusPending
	slow, err := runs.Create(ctx, slow, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	explained := p.tool(ctx, cli.ExitOK, "explain", "pipelinerun", slow.Name, "-n", stage.SharedNamespace)
	if !strings.Contains(explained, "pushes as team story to "+s.Quay.Host+"/team-story") {
		t.Errorf("explained as\n%s", explained)
	}
	var stderr strings.Builder
	rotated := make(chan cli.Exit, 1)
	go func() {
		exit, _ := p.start(ctx, &stderr, "rotate", "story", "--timeout", "3m")
		rotated <- exit
	}()
	const waits = "begin  let the runs end that began with the old token"
	waitUntil(t, ctx, "it waits for the run", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		select {
		case exit := <-rotated:
			t.Fatalf("it did not wait for the run: exit %d\n%s", exit, stderr.String())
		default:
		}
		return strings.Contains(stderr.String(), waits)
	})
	if p.token(ctx, old) != token {
		t.Error("the old token was burnt while a run may have it")
	}
	p.tool(ctx, cli.ExitConflict, "rotate", "story")
	pushing.more(t, ctx, 7)
	if _, err := runs.Patch(ctx, slow.Name, types.MergePatchType, []byte(`{"spec":{"status":"Cancelled"}}`), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	if exit := <-rotated; exit != cli.ExitOK {
		t.Fatalf("exit %d\n%s", exit, stderr.String())
	}
	pushing.more(t, ctx, 6)
	pushing.stop()
	took := time.Since(began)
	count, failed := pushing.end()
	t.Logf("to another robot: %d of %d PipelineRuns failed, begun within %.0fs", len(failed), count, took.Seconds())
	if len(failed) > 0 {
		t.Errorf("failed: %q", failed)
	}
	p.replaced(t, ctx, old)
	p.tool(ctx, cli.ExitOK, "verify", "story")
}

// rotateInPlace gives the robot in use a new token, for contrast. External Secrets is away until a push met the old token.
func (p *platform) rotateInPlace(t *testing.T, ctx context.Context, image string) {
	pushing := p.push(t, ctx, image)
	var back sync.WaitGroup
	defer back.Wait()
	holding, release := context.WithCancel(ctx)
	defer release()
	p.scaleOperator(ctx, 0)
	back.Go(func() {
		select {
		case <-pushing.broken:
		case <-holding.Done():
		}
		p.scaleOperator(ctx, 1)
	})
	var result struct{ OutageSeconds float64 }
	if err := json.Unmarshal([]byte(p.tool(ctx, cli.ExitOK, "rotate", "story", "--in-place", "-o", "json")), &result); err != nil {
		t.Fatal(err)
	}
	count, failed := pushing.end()
	t.Logf("in place: %d of %d PipelineRuns failed, outage %.1fs", len(failed), count, result.OutageSeconds)
	if result.OutageSeconds <= 0 || len(failed) == 0 {
		t.Error("no outage was seen: the contrast is missing")
	}
	p.tool(ctx, cli.ExitOK, "verify", "story")
}
