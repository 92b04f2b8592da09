//go:build e2e

package e2e

import (
	"context"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	tekton "github.com/tektoncd/pipeline/pkg/client/clientset/versioned"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/release/bundle"
	"github.com/comptech-lab/quay-push/test/stage"
)

// What is shipped as a bundle runs from it, by Tekton's own resolver: a Task and a Pipeline in a team's namespace, a Task in a Pipeline of the
// platform's in the shared one, under all policies.
func TestBundle(t *testing.T) {
	ctx := within(t, 90*time.Second)
	battlefield(t)
	shipped := pushShipped(t, ctx)

	direct := stage.NewRun(stage.Payments, "", nil)
	direct.Spec.PipelineRef, direct.Spec.PipelineSpec = nil, pushesFrom(shipped, stage.Payments, "bundle-task")

	pipeline := stage.NewRun(stage.Payments, "", map[string]string{
		"dockerconfig-secret": stage.Payments.Secret, "image-ref": stage.Payments.Repository, "tag": "bundle-pipeline"})
	pipeline.Spec.PipelineRef = &pipelinev1.PipelineRef{ResolverRef: bundled(shipped, "pipeline", "build-and-push-quay")}

	// Whoever starts that team's runs there may do no more.
	const account = "trigger-payments"
	bindTektonEdit(t, stage.SharedNamespace, account)
	grant(t, account, useOf(victim.Team))
	trigger := as(t, "system:serviceaccount:"+stage.SharedNamespace+":"+account)
	publish(t, "from-bundle", *pushesFrom(shipped, victim, "bundle-shared"))
	shared := stage.NewRun(victim, "from-bundle", nil)
	shared.Labels = map[string]string{"apps.platform/team": victim.Team}

	for _, test := range []struct {
		name, tag string
		client    tekton.Interface
		run       *pipelinev1.PipelineRun
		source    func(*testing.T, context.Context, *pipelinev1.PipelineRun) *pipelinev1.RefSource
		entry     string
	}{
		{"a Task", "bundle-task", s.Tekton, direct, sourceOfPush, "push-image-quay"},
		{"a Pipeline", "bundle-pipeline", s.Tekton, pipeline, sourceOfRun, "build-and-push-quay"},
		{"a Task in the shared namespace", "bundle-shared", trigger, shared, sourceOfPush, "push-image-quay"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			run, err := test.client.TektonV1().PipelineRuns(test.run.Namespace).Create(ctx, test.run, metav1.CreateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if run, err = s.Wait(ctx, run); err != nil {
				t.Fatal(err)
			}
			if outcome := stage.Outcome(run.Status.Conditions); outcome.Status != corev1.ConditionTrue {
				t.Fatalf("%s: %s", outcome.Reason, outcome.Message)
			}
			digest := stage.Results(run)[v1alpha1.ResultImageDigest]
			served, err := s.Quay.TagDigest(ctx, victim.Repository, test.tag)
			if err != nil || digest == "" || served != digest {
				t.Errorf("the run reports digest %q, Quay serves %q, %v", digest, served, err)
			}
			// Tekton says where it has it from.
			if diff := cmp.Diff(sourceIn(shipped, test.entry), test.source(t, ctx, run)); diff != "" {
				t.Errorf("source (-want +got):\n%s", diff)
			}
		})
	}
}

// pushShipped puts the bundle of tekton/ into the registry, as a release does, and returns its reference.
func pushShipped(t *testing.T, ctx context.Context) string {
	t.Helper()
	programs, err := bundle.Programs("../..")
	if err != nil {
		t.Fatal(err)
	}
	images := map[string]string{}
	for _, program := range programs {
		if images[program], err = s.Image(ctx, "./cmd/"+path.Base(program)); err != nil {
			t.Fatal(err)
		}
	}
	objects, err := bundle.Read("../..", images)
	if err != nil {
		t.Fatal(err)
	}
	return pushBundle(t, ctx, "bundle", bundle.Contents(objects)...)
}

// pushBundle puts a bundle of the objects into the registry, and returns its reference.
func pushBundle(t *testing.T, ctx context.Context, repository string, objects ...[]byte) string {
	t.Helper()
	image, err := bundle.Image(objects)
	if err != nil {
		t.Fatal(err)
	}
	reference, err := s.PushBundle(ctx, image, repository)
	if err != nil {
		t.Fatal(err)
	}
	return reference
}

// pushesFrom is a Pipeline whose task push is the bundle's Task.
func pushesFrom(reference string, tenant stage.Tenant, tag string) *pipelinev1.PipelineSpec {
	value := func(name, value string) pipelinev1.Param {
		return pipelinev1.Param{Name: name, Value: *pipelinev1.NewStructuredValues(value)}
	}
	source := []pipelinev1.WorkspacePipelineTaskBinding{{Name: v1alpha1.WorkspaceSource, Workspace: "source"}}
	return &pipelinev1.PipelineSpec{
		Workspaces: sourceDeclared,
		Tasks: []pipelinev1.PipelineTask{
			{Name: "build", TaskRef: &pipelinev1.TaskRef{Name: "build-image"}, Workspaces: source},
			{Name: "push", RunAfter: []string{"build"}, Workspaces: source,
				TaskRef: &pipelinev1.TaskRef{ResolverRef: bundled(reference, "task", "push-image-quay")},
				Params:  pipelinev1.Params{value("dockerconfig-secret", tenant.Secret), value("image-ref", tenant.Repository), value("tag", tag)}},
		},
		Results: []pipelinev1.PipelineResult{{Name: v1alpha1.ResultImageDigest, Value: *pipelinev1.NewStructuredValues("$(tasks.push.results." + v1alpha1.ResultImageDigest + ")")}},
	}
}

// bundled is a reference to an object of a bundle.
func bundled(reference, kind, name string) pipelinev1.ResolverRef {
	return resolver("bundles", "bundle", reference, "kind", kind, "name", name)
}

// sourceIn is what Tekton says of an object of a bundle.
func sourceIn(reference, name string) *pipelinev1.RefSource {
	uri, hash, _ := strings.Cut(reference, "@sha256:")
	return &pipelinev1.RefSource{URI: uri, Digest: map[string]string{"sha256": hash}, EntryPoint: name}
}

func sourceOfRun(_ *testing.T, _ context.Context, run *pipelinev1.PipelineRun) *pipelinev1.RefSource {
	if run.Status.Provenance == nil {
		return nil
	}
	return run.Status.Provenance.RefSource
}

// sourceOfPush is where the task push of the run is from.
func sourceOfPush(t *testing.T, ctx context.Context, run *pipelinev1.PipelineRun) *pipelinev1.RefSource {
	t.Helper()
	task, err := s.Tekton.TektonV1().TaskRuns(run.Namespace).Get(ctx, run.Name+"-push", metav1.GetOptions{})
	if err != nil || task.Status.Provenance == nil {
		t.Fatalf("TaskRun %q: no provenance, %v", run.Name+"-push", err)
	}
	return task.Status.Provenance.RefSource
}

// lookalikes is a bundle of the attacker's, whose Task and Pipeline have the names of the platform's, and print the victim's Secret.
func (f *playground) lookalikes(t *testing.T, ctx context.Context) string {
	t.Helper()
	loot := f.reads([2]string{victim.Secret, corev1.DockerConfigJsonKey})
	var objects [][]byte
	for _, object := range []any{
		pipelinev1.Task{TypeMeta: metav1.TypeMeta{APIVersion: "tekton.dev/v1", Kind: "Task"}, ObjectMeta: metav1.ObjectMeta{Name: "push-image-quay"}, Spec: loot},
		pipelinev1.Pipeline{TypeMeta: metav1.TypeMeta{APIVersion: "tekton.dev/v1", Kind: "Pipeline"}, ObjectMeta: metav1.ObjectMeta{Name: "build-and-push-image"},
			Spec: pipelinev1.PipelineSpec{Tasks: []pipelinev1.PipelineTask{{Name: "t", TaskSpec: &pipelinev1.EmbeddedTask{TaskSpec: loot}}}}},
	} {
		encoded, err := yaml.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, encoded)
	}
	return pushBundle(t, ctx, "lookalikes", objects...)
}
