package request

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
)

const image = "quay.example.com/team-payments/checkout"

// newRun returns a CustomRun that asks for nothing wrong, after the edits.
func newRun(kind string, edits ...func(*v1beta1.CustomRun)) *v1beta1.CustomRun {
	run := &v1beta1.CustomRun{ObjectMeta: metav1.ObjectMeta{Name: "push", Namespace: "apps"}}
	run.Spec.CustomRef = &v1beta1.TaskRef{APIVersion: v1alpha1.APIVersion, Kind: v1beta1.TaskKind(kind)}
	give("image-ref", image)(run)
	if kind == v1alpha1.KindPushImage {
		bind(v1beta1.WorkspaceBinding{Name: "source", EmptyDir: &corev1.EmptyDirVolumeSource{}})(run)
	}
	for _, edit := range edits {
		edit(run)
	}
	return run
}

func give(name, value string) func(*v1beta1.CustomRun) {
	return func(run *v1beta1.CustomRun) {
		run.Spec.Params = append(run.Spec.Params, v1beta1.Param{Name: name, Value: *v1beta1.NewStructuredValues(value)})
	}
}

func bind(workspaces ...v1beta1.WorkspaceBinding) func(*v1beta1.CustomRun) {
	return func(run *v1beta1.CustomRun) { run.Spec.Workspaces = workspaces }
}

func TestRead(t *testing.T) {
	push := newRun(v1alpha1.KindPushImage, give("tag", "v1"), give("anchor", "false"), func(run *v1beta1.CustomRun) { run.Spec.Retries = 10 })
	copied := newRun(v1alpha1.KindPushImage, give("source", "docker://registry/apps/app"), bind())
	packed := newRun(v1alpha1.KindPushImage, give("compression", "zstd"))
	unsaid := newRun(v1alpha1.KindPushImage, give("compression", ""))
	several := newRun(v1alpha1.KindPushImage, func(run *v1beta1.CustomRun) {
		run.Spec.Params = append(run.Spec.Params, v1beta1.Param{Name: "source", Value: *v1beta1.NewStructuredValues("image-amd64", "image-arm64")})
	})
	resolve := newRun(v1alpha1.KindResolveTenant)
	for _, test := range []struct {
		run    *v1beta1.CustomRun
		want   Request
		copies bool
	}{
		{push, Request{push, "PushImage", map[string]string{"image-ref": image, "tag": "v1", "anchor": "false"}}, false},
		{copied, Request{copied, "PushImage", map[string]string{"image-ref": image, "source": "docker://registry/apps/app"}}, true},
		{packed, Request{packed, "PushImage", map[string]string{"image-ref": image, "compression": "zstd"}}, false},
		{unsaid, Request{unsaid, "PushImage", map[string]string{"image-ref": image, "compression": ""}}, false},
		{several, Request{several, "PushImage", map[string]string{"image-ref": image, "source": "image-amd64,image-arm64"}}, false},
		{resolve, Request{resolve, "ResolveTenant", map[string]string{"image-ref": image}}, false},
	} {
		got, err := Read(test.run)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if got.Copies() != test.copies || got.Image() != image || got.Source() != test.want.Params["source"] {
			t.Errorf("copies %v, image %q, source %q", got.Copies(), got.Image(), got.Source())
		}
	}
}

// Who leaves has nothing checked, and what is wrong first is told alone.
func TestReadRefuses(t *testing.T) {
	const push, resolve = v1alpha1.KindPushImage, v1alpha1.KindResolveTenant
	for name, test := range map[string]struct {
		run          *v1beta1.CustomRun
		reason, says string
	}{
		"cancelled": {newRun(push, give("x", "y"), func(run *v1beta1.CustomRun) {
			run.Spec.Status, run.Spec.StatusMessage = v1beta1.CustomRunSpecStatusCancelled, "enough"
		}), "CustomRunCancelled", "enough"},
		"deleted": {newRun(push, func(run *v1beta1.CustomRun) { run.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)} }),
			"CustomRunCancelled", `CustomRun "push" is being deleted`},
		"another kind": {newRun("Pull", bind(v1beta1.WorkspaceBinding{Name: "source"})), v1alpha1.ReasonUnsupportedSpec, "Pull of quay.comptech-lab.com/v1alpha1 is not served"},
		"no image":     {newRun(push, func(run *v1beta1.CustomRun) { run.Spec.Params = nil }), v1alpha1.ReasonInvalidParams, `param "image-ref" is missing`},
		"retries":      {newRun(push, func(run *v1beta1.CustomRun) { run.Spec.Retries = 11 }), v1alpha1.ReasonInvalidParams, "retries is 11; a push is tried again at most 10 times"},
		"no anchor":    {newRun(push, give("anchor", "no")), v1alpha1.ReasonInvalidParams, `param "anchor" is "no"; write "true" or "false"`},
		"empty anchor": {newRun(push, give("anchor", "")), v1alpha1.ReasonInvalidParams, `param "anchor" is ""; write "true" or "false"`},
		"bzip2":        {newRun(push, give("compression", "bzip2")), v1alpha1.ReasonInvalidParams, `param "compression" is "bzip2"; write gzip or zstd`},
		"another's param": {newRun(resolve, give("tag", "v1")), v1alpha1.ReasonInvalidParams,
			`ResolveTenant has no param "tag"; it has [image-ref dockerconfig-secret preflight]`},
		"no source in a list": {newRun(push, func(run *v1beta1.CustomRun) {
			run.Spec.Params = append(run.Spec.Params, v1beta1.Param{Name: "source", Value: v1beta1.ParamValue{Type: v1beta1.ParamTypeArray}})
		}), v1alpha1.ReasonInvalidParams, `param "source" has type array; write a string`},
		"no workspace":      {newRun(push, bind()), v1alpha1.ReasonInvalidWorkspaces, `takes one workspace, "source", with the image in it; 0 are bound`},
		"another workspace": {newRun(push, bind(v1beta1.WorkspaceBinding{Name: "output"})), v1alpha1.ReasonInvalidWorkspaces, `takes one workspace, "source"`},
		"two workspaces": {newRun(push, bind(v1beta1.WorkspaceBinding{Name: "source"}, v1beta1.WorkspaceBinding{Name: "more"})),
			v1alpha1.ReasonInvalidWorkspaces, "2 are bound"},
		"a Secret": {newRun(push, bind(v1beta1.WorkspaceBinding{Name: "source", Secret: &corev1.SecretVolumeSource{SecretName: "s"}})),
			v1alpha1.ReasonInvalidWorkspaces, "is bound to a Secret"},
		"projected": {newRun(push, bind(v1beta1.WorkspaceBinding{Name: "source", Projected: &corev1.ProjectedVolumeSource{}})),
			v1alpha1.ReasonInvalidWorkspaces, "is bound to a Secret"},
		"a preflight that is none": {newRun(resolve, give("preflight", "yes")), v1alpha1.ReasonInvalidParams, `param "preflight" is "yes"; write one of ["false" "true" "allow-new"]`},
		"a preflight of nothing": {newRun(resolve, func(run *v1beta1.CustomRun) { run.Spec.Params = nil }, give("preflight", "true")), v1alpha1.ReasonInvalidParams,
			`param "preflight" asks about the repository of param "image-ref", which is missing`},
		"a registry and a workspace": {newRun(push, give("source", "docker://registry/apps/app")), v1alpha1.ReasonInvalidWorkspaces, "takes no workspace; leave it out"},
		"a tenant and a workspace":   {newRun(resolve, bind(v1beta1.WorkspaceBinding{Name: "source"})), v1alpha1.ReasonInvalidWorkspaces, "ResolveTenant takes no workspace"},
	} {
		_, err := Read(test.run)
		var failure *customrun.Failure
		if !errors.As(err, &failure) || failure.Reason != test.reason || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want %s that says %q", name, err, test.reason, test.says)
		}
	}
}
