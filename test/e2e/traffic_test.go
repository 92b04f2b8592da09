//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/tektoncd/pipeline/pkg/apis/pipeline/pod"
	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/test/stage"
)

const (
	// interval is the time from one push to the next: 20 a minute.
	interval = 3 * time.Second
	// maxSeeded is how many images there are. Later pushes take the first ones again.
	maxSeeded = 64
	// heldLabel is the label of the node that a held push waits for.
	heldLabel = "e2e.example.com/held"
)

// traffic makes runs of both teams at an even pace, in their own namespaces and in the shared one, each with an image and a tag of its own:
// some are a PushImage, and some a ResolveTenant with the Task behind it.
type traffic struct {
	name    string
	tenants []stage.Tenant
	digests []string // of the images, by number
	seen    []*history
	client  *quay.Client
	since   time.Time

	stop func()
	done sync.WaitGroup

	mu   sync.Mutex
	runs []pushRun
}

// pushRun is a run that pushes the image of a digest to the tag of its own name, for a team.
type pushRun struct {
	*pipelinev1.PipelineRun
	team   stage.Tenant
	digest string
}

// newTraffic makes the images, in a ConfigMap of each team, since a volume would take a second Pod. All is gone when the test ends.
func newTraffic(t *testing.T, ctx context.Context) *traffic {
	t.Helper()
	seed := time.Now().UnixNano()
	f := &traffic{name: fmt.Sprintf("upgrade-%x", seed), since: time.Now()}
	var err error
	if f.client, err = quay.New(quay.Options{URL: "https://" + s.Quay.Host, Token: secret.New(s.Quay.OAuthToken()), HTTPClient: s.Quay.Client()}); err != nil {
		t.Fatal(err)
	}
	images := map[string][]byte{}
	for i := range maxSeeded {
		archive, digest := seededImage(t, seed+int64(i))
		images[fileOf(i)] = archive
		f.digests = append(f.digests, digest)
	}
	t.Cleanup(func() {
		for _, run := range f.runs {
			_ = s.Tekton.TektonV1().PipelineRuns(run.Namespace).Delete(context.Background(), run.Name, metav1.DeleteOptions{})
		}
	})
	for _, team := range []stage.Tenant{stage.Payments, stage.Platform} {
		shared := team
		shared.Namespace = stage.SharedNamespace
		cleanSecret(t, shared.Namespace, shared.Secret)
		if err := s.PutSecret(ctx, shared, shared.Secret, corev1.SecretTypeDockerConfigJson, s.Quay.Dockerconfig(team.Team)); err != nil {
			t.Fatal(err)
		}
		f.tenants = append(f.tenants, team, shared)
	}
	for _, namespace := range []string{stage.Payments.Namespace, stage.Platform.Namespace, stage.SharedNamespace} {
		f.seen = append(f.seen, watchRuns(t, ctx, namespace, f.name))
	}
	for _, tenant := range f.tenants {
		maps, name := s.Kube.CoreV1().ConfigMaps(tenant.Namespace), f.nameOf(tenant)
		t.Cleanup(func() { _ = maps.Delete(context.Background(), name, metav1.DeleteOptions{}) })
		if _, err := maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}, BinaryData: images}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// nameOf is the name of the tenant's ConfigMap, and what the names of its runs begin with, as a shared namespace wants it.
func (f *traffic) nameOf(tenant stage.Tenant) string { return tenant.Team + "--" + f.name }

// fileOf is the name of the file with an image.
func fileOf(i int) string { return fmt.Sprintf("image-%d.tar", i%maxSeeded) }

// begin starts the pushes, which go on until end, or the end of the test.
func (f *traffic) begin(t *testing.T, ctx context.Context) {
	ctx, f.stop = context.WithCancel(ctx)
	t.Cleanup(f.end)
	f.done.Go(func() {
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for ctx.Err() == nil {
			if err := f.push(ctx, nil); err != nil && ctx.Err() == nil {
				t.Error(err)
			}
			select {
			case <-ctx.Done():
			case <-tick.C:
			}
		}
	})
}

// end stops what begin started. The pushes that have begun go on.
func (f *traffic) end() {
	f.stop()
	f.done.Wait()
}

// push creates the next run, after change has changed it.
func (f *traffic) push(ctx context.Context, change func(*pipelinev1.PipelineRun)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := len(f.runs)
	tenant := f.tenants[i%len(f.tenants)]
	run := stage.NewPush(tenant, tenant.Repository)
	run.GenerateName, run.Name = "", fmt.Sprintf("%s-%d", f.nameOf(tenant), i)
	run.Labels = map[string]string{"apps.platform/team": tenant.Team}
	// The files of a ConfigMap are links into this directory, and push-image follows none.
	run.Spec.Workspaces[0] = pipelinev1.WorkspaceBinding{Name: "source", SubPath: "..data", ConfigMap: &corev1.ConfigMapVolumeSource{
		LocalObjectReference: corev1.LocalObjectReference{Name: f.nameOf(tenant)}, Items: []corev1.KeyToPath{{Key: fileOf(i), Path: fileOf(i)}}}}
	task := &run.Spec.PipelineSpec.Tasks[0]
	task.Params = append(task.Params, parameter(v1alpha1.ParamTag, run.Name), parameter(v1alpha1.ParamSource, fileOf(i)))
	run.Spec.PipelineSpec.Results = []pipelinev1.PipelineResult{{Name: "digest", Value: *pipelinev1.NewStructuredValues("$(tasks.push.results.image-digest)")}}
	if i/len(f.tenants)%2 == 1 {
		resolveFirst(run.Spec.PipelineSpec, tenant.Repository)
	}
	if change != nil {
		change(run)
	}
	created, err := s.Tekton.TektonV1().PipelineRuns(run.Namespace).Create(ctx, run, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("creating %q: %w", run.Name, err)
	}
	f.runs = append(f.runs, pushRun{created, tenant, f.digests[i%maxSeeded]})
	return nil
}

func parameter(name, value string) pipelinev1.Param {
	return pipelinev1.Param{Name: name, Value: *pipelinev1.NewStructuredValues(value)}
}

// resolveFirst has the task push be the platform's Task, with the Secret that ResolveTenant names.
func resolveFirst(pipeline *pipelinev1.PipelineSpec, imageRef string) {
	push := &pipeline.Tasks[0]
	push.TaskRef = &pipelinev1.TaskRef{ResolverRef: pipelinev1.ResolverRef{Resolver: "cluster", Params: pipelinev1.Params{
		parameter("kind", "task"), parameter("name", "push-image-quay"), parameter("namespace", stage.SharedNamespace)}}}
	push.Params = append(push.Params, parameter(v1alpha1.ParamDockerconfigSecret, "$(tasks.tenant.results.dockerconfig-secret)"))
	pipeline.Tasks = append(pipeline.Tasks, pipelinev1.PipelineTask{Name: "tenant",
		TaskRef: &pipelinev1.TaskRef{APIVersion: v1alpha1.APIVersion, Kind: v1alpha1.KindResolveTenant},
		Params:  pipelinev1.Params{parameter(v1alpha1.ParamImageRef, imageRef)}})
}

// more waits until n pushes that were not begun yet have ended.
func (f *traffic) more(t *testing.T, ctx context.Context, n int) {
	t.Helper()
	begun := func() []pushRun {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.runs
	}
	from := len(begun())
	waitUntil(t, ctx, "more pushes have begun", func() bool { return len(begun()) >= from+n })
	for _, run := range begun()[from : from+n] {
		if _, err := s.Wait(ctx, run.PipelineRun); err != nil {
			t.Fatal(err)
		}
	}
}

// hold begins a PushImage whose Pod waits for a node that is not there, and returns it once its TaskRun is.
func (f *traffic) hold(t *testing.T, ctx context.Context) (held *pipelinev1.PipelineRun) {
	t.Helper()
	for held == nil {
		if err := f.push(ctx, func(run *pipelinev1.PipelineRun) {
			if len(run.Spec.PipelineSpec.Tasks) == 1 {
				run.Spec.TaskRunTemplate.PodTemplate = &pod.Template{NodeSelector: map[string]string{heldLabel: run.Name}}
				held = run
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
	waitUntil(t, ctx, held.Name+" has a Pod", func() bool {
		if custom, err := s.CustomRunOf(ctx, held); err == nil && custom.IsDone() {
			t.Fatalf("%s has ended already: %+v", held.Name, custom.Status.Conditions)
		}
		task, err := taskOf(ctx, held)
		return err == nil && task.Status.PodName != ""
	})
	return held
}

// release gives the Pod of what hold began its node, and waits until the run has ended.
func (f *traffic) release(t *testing.T, ctx context.Context, held *pipelinev1.PipelineRun) {
	t.Helper()
	if custom, err := s.CustomRunOf(ctx, held); err != nil || custom.IsDone() {
		t.Errorf("%s has ended before it was let go: %v", held.Name, err)
	}
	nodes, err := s.Kube.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	label := func(ctx context.Context, value any) {
		patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"labels": map[string]any{heldLabel: value}}})
		if err == nil {
			_, err = s.Kube.CoreV1().Nodes().Patch(ctx, nodes.Items[0].Name, types.MergePatchType, patch, metav1.PatchOptions{})
		}
		if err != nil {
			t.Error(err)
		}
	}
	label(ctx, held.Name)
	defer label(context.WithoutCancel(ctx), nil)
	if _, err := s.Wait(ctx, held); err != nil {
		t.Fatal(err)
	}
}
