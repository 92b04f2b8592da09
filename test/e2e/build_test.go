//go:build e2e

package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/tektoncd/pipeline/pkg/apis/pipeline/pod"
	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/test/stage"
)

// A commit is built again with the layers of the first time, to the same digest, and only with a credential for its base image.
func TestBuildWithCache(t *testing.T) {
	ctx := within(t, 10*time.Minute)
	namespace := stage.Payments.Namespace
	builder, commit := openBuild(t, ctx)
	volume, err := s.Kube.CoreV1().PersistentVolumeClaims(namespace).Create(ctx, &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "build-"},
		Spec: corev1.PersistentVolumeClaimSpec{AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("64Mi")}}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Kube.CoreV1().PersistentVolumeClaims(namespace).Delete(within(t, time.Minute), volume.Name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	on := func(workspace, subPath string) pipelinev1.WorkspaceBinding {
		return pipelinev1.WorkspaceBinding{Name: workspace, SubPath: subPath,
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: volume.Name}}
	}
	whole := builder.NewRun(stage.Payments, "", commit, nil)
	bound := map[string]pipelinev1.WorkspaceBinding{}
	for _, w := range whole.Spec.Workspaces {
		bound[w.Name] = w
	}
	clone, log := runTask(t, ctx, newTaskRun(namespace, "git-clone", map[string]string{"URL": commit.URL, "REVISION": commit.Hash},
		on("output", "source"), bound["basic-auth"], bound["ssl-ca-directory"]))
	if outcome := stage.Outcome(clone.Status.Conditions); !outcome.IsTrue() {
		t.Fatalf("%s: %s", outcome.Message, log)
	}
	build := func(more ...pipelinev1.WorkspaceBinding) (digest, log string) {
		run := newTaskRun(namespace, "build-image-buildah", map[string]string{"builder-image": builder.Image}, append(more, on("source", "source"), on("cache", "cache"))...)
		for _, p := range whole.Spec.Params {
			if p.Name == "build-args" {
				run.Spec.Params = append(run.Spec.Params, p)
			}
		}
		run, log = runTask(t, ctx, run)
		for _, r := range run.Status.Results {
			digest = r.Value.StringVal
		}
		return digest, log
	}
	first, log := build(bound["base-images"])
	if first == "" || strings.Contains(log, "Using cache") {
		t.Fatalf("the first build became %q:\n%s", first, log)
	}
	if again, log := build(bound["base-images"]); again != first || strings.Count(log, "Using cache") < 2 {
		t.Errorf("%s became %q:\n%s", first, again, log)
	}
	if stranger, log := build(); stranger != "" || !strings.Contains(log, "unauthorized") {
		t.Errorf("without a credential for the base image the build became %q:\n%s", stranger, log)
	}
}

// What the Task's README says of profiles: who may build, and what a build says that may not.
func TestBuildUnderProfiles(t *testing.T) {
	ctx := within(t, 10*time.Minute)
	builder, _ := openBuild(t, ctx)
	for _, c := range []struct {
		profile string
		seccomp corev1.SeccompProfileType
		want    string // What is said of a build that fails.
	}{
		{profile: "baseline"},
		{profile: "baseline", seccomp: corev1.SeccompProfileTypeRuntimeDefault, want: "unshare(CLONE_NEWUSER): Operation not permitted"},
		{profile: "restricted", want: `violates PodSecurity "restricted:latest"`},
	} {
		t.Run(c.profile+string(c.seccomp), func(t *testing.T) {
			namespace, err := s.Kube.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "build-",
				Labels: map[string]string{"pod-security.kubernetes.io/enforce": c.profile}}}, metav1.CreateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := s.Kube.CoreV1().Namespaces().Delete(within(t, time.Minute), namespace.Name, metav1.DeleteOptions{}); err != nil {
					t.Error(err)
				}
			})
			run := newTaskRun(namespace.Name, "build-image-buildah", map[string]string{"builder-image": builder.Image, "output": "/tmp/image"},
				// A ConfigMap cannot be written to, hence the output.
				pipelinev1.WorkspaceBinding{Name: "source", ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "source"}}})
			run.Spec.ServiceAccountName = "builder"
			if c.seccomp != "" {
				run.Spec.PodTemplate = &pod.Template{SecurityContext: &corev1.PodSecurityContext{SeccompProfile: &corev1.SeccompProfile{Type: c.seccomp}}}
			}
			account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "builder"}}
			if _, err := s.Kube.CoreV1().ServiceAccounts(namespace.Name).Create(ctx, account, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
			source := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "source"}, Data: map[string]string{"Containerfile": "FROM scratch\nCOPY Containerfile /\n"}}
			if _, err := s.Kube.CoreV1().ConfigMaps(namespace.Name).Create(ctx, source, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
			run, log := runTask(t, ctx, run)
			outcome := stage.Outcome(run.Status.Conditions)
			said := outcome.Message + log
			if outcome.IsTrue() != (c.want == "") || !strings.Contains(said, c.want) {
				t.Errorf("%s: %s", outcome.Reason, said)
			}
		})
	}
}

// newTaskRun returns a run of a Task of the shared namespace.
func newTaskRun(namespace, task string, params map[string]string, workspaces ...pipelinev1.WorkspaceBinding) *pipelinev1.TaskRun {
	resolved := pipelinev1.Params{}
	for _, p := range [][2]string{{"kind", "task"}, {"name", task}, {"namespace", stage.SharedNamespace}} {
		resolved = append(resolved, pipelinev1.Param{Name: p[0], Value: *pipelinev1.NewStructuredValues(p[1])})
	}
	run := &pipelinev1.TaskRun{ObjectMeta: metav1.ObjectMeta{GenerateName: "build-", Namespace: namespace}, Spec: pipelinev1.TaskRunSpec{
		TaskRef: &pipelinev1.TaskRef{ResolverRef: pipelinev1.ResolverRef{Resolver: "cluster", Params: resolved}}, Workspaces: workspaces}}
	for name, value := range params {
		run.Spec.Params = append(run.Spec.Params, pipelinev1.Param{Name: name, Value: *pipelinev1.NewStructuredValues(value)})
	}
	return run
}

// runTask runs it to its end, and returns that and what its steps said; nothing where there was no Pod.
func runTask(t *testing.T, ctx context.Context, run *pipelinev1.TaskRun) (ended *pipelinev1.TaskRun, log string) {
	t.Helper()
	run, err := s.Tekton.TektonV1().TaskRuns(run.Namespace).Create(ctx, run, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if run, err = s.WaitTaskRun(ctx, run); err != nil {
		t.Fatal(err)
	}
	if run.Status.PodName == "" {
		return run, ""
	}
	for _, step := range run.Status.Steps {
		said, err := s.Kube.CoreV1().Pods(run.Namespace).GetLogs(run.Status.PodName, &corev1.PodLogOptions{Container: step.Container}).DoRaw(ctx)
		if err != nil {
			t.Fatal(err)
		}
		log += string(said)
	}
	return run, log
}

// openBuild returns what builds, and a commit of the tenant's source.
func openBuild(t *testing.T, ctx context.Context) (*stage.Builder, stage.Commit) {
	t.Helper()
	builder, err := s.OpenBuilder(ctx)
	if err != nil {
		t.Fatal(err)
	}
	source, err := s.NewSource(ctx, t.TempDir(), stage.Payments)
	if err != nil {
		t.Fatal(err)
	}
	commit, err := source.Head(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return builder, commit
}
