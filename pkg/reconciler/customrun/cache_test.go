package customrun

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
)

func newRun(version, kind string) *v1beta1.CustomRun {
	return &v1beta1.CustomRun{
		ObjectMeta: metav1.ObjectMeta{Name: "a", Namespace: "b", UID: "c", ResourceVersion: "7",
			Labels:        map[string]string{"l": "l"},
			ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "m"}},
			Annotations:   map[string]string{"kubectl.kubernetes.io/last-applied-configuration": "{}", "keep": "it"}},
		Spec: v1beta1.CustomRunSpec{CustomRef: &v1beta1.TaskRef{APIVersion: version, Kind: v1beta1.TaskKind(kind)},
			Params: v1beta1.Params{{Name: "big", Value: *v1beta1.NewStructuredValues("value")}}},
	}
}

func slim(t *testing.T, run *v1beta1.CustomRun) *v1beta1.CustomRun {
	t.Helper()
	got, err := Slim(run)
	if err != nil {
		t.Fatal(err)
	}
	return got.(*v1beta1.CustomRun)
}

func TestSlimKeepsARunOfOurs(t *testing.T) {
	got := slim(t, newRun(v1alpha1.APIVersion, v1alpha1.KindPushImage))
	want := newRun(v1alpha1.APIVersion, v1alpha1.KindPushImage)
	want.ManagedFields, want.Annotations = nil, map[string]string{"keep": "it"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What is kept of the others is enough to see that they are not ours, or that they have ended.
func TestSlimDropsTheRest(t *testing.T) {
	foreign := newRun("example.dev/v1", "Approval")
	foreign.Spec.CustomSpec, foreign.Spec.CustomRef = &v1beta1.EmbeddedCustomRunSpec{}, nil
	foreign.Spec.CustomSpec.APIVersion, foreign.Spec.CustomSpec.Kind = "example.dev/v1", "Approval"
	done := newRun(v1alpha1.APIVersion, v1alpha1.KindPushImage)
	done.Status.CompletionTime = &metav1.Time{Time: time.Unix(1, 0)}
	for _, run := range []*v1beta1.CustomRun{foreign, done} {
		ours := Ours(run)
		got := slim(t, run)
		if Ours(got) != ours || got.Name != "a" || got.Namespace != "b" || ours && got.UID != "c" || got.ResourceVersion != "7" {
			t.Errorf("slim %+v", got)
		}
		if ours && !Done(got) {
			t.Error("a run that has ended looks as if it had not")
		}
		encoded, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		if len(encoded) > 400 || len(got.Spec.Params) > 0 || got.Labels != nil {
			t.Errorf("%d bytes are kept: %s", len(encoded), encoded)
		}
	}
	if got, err := Slim("a tombstone"); err != nil || got != "a tombstone" {
		t.Errorf("Slim of something else = %v, %v", got, err)
	}
}

func TestWhoAnswers(t *testing.T) {
	const nobody = ""
	for _, test := range []struct{ version, kind, want string }{
		{v1alpha1.APIVersion, v1alpha1.KindPushImage, v1alpha1.KindPushImage},
		{v1alpha1.APIVersion, v1alpha1.KindResolveTenant, v1alpha1.KindResolveTenant},
		{v1alpha1.APIVersion, "PushImages", v1alpha1.KindPushImage},
		{"quay.comptech-lab.com/v1", v1alpha1.KindPushImage, v1alpha1.KindPushImage},
		{"quay.comptech-lab.com/v1", v1alpha1.KindResolveTenant, v1alpha1.KindResolveTenant},
		{"quay.comptech-lab.community/v1", v1alpha1.KindPushImage, nobody},
		{"example.dev/v1", v1alpha1.KindPushImage, nobody},
		{"", "", nobody},
	} {
		run := newRun(test.version, test.kind)
		if got := Ours(run); got != (test.want != nobody) {
			t.Errorf("Ours(%s, %s) = %v", test.version, test.kind, got)
		}
		for _, kind := range []string{v1alpha1.KindPushImage, v1alpha1.KindResolveTenant} {
			if got := Is(run, kind); got != (test.want == kind) {
				t.Errorf("%s answers %s, %s: %v", kind, test.version, test.kind, got)
			}
		}
	}
	if Ours(&v1beta1.CustomRun{}) || Is(&v1beta1.CustomRun{}, v1alpha1.KindPushImage) {
		t.Error("a CustomRun without a reference is ours")
	}
}
