//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/restmapper"
	"sigs.k8s.io/yaml"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/test/stage"
)

// What a GitOps tool keeps in step with Git is the same after a push and a refusal as before: nothing to report as drift, and
// nothing that it would take back.
func TestNothingOfGitChanges(t *testing.T) {
	ctx := within(t, 4*time.Minute)
	objects := append(manifests(t, "../../config/*.yaml", ""), manifests(t, "../../tekton/task/*/*/*.yaml", stage.SharedNamespace)...)
	before := states(t, objects)
	if len(before) < 15 {
		t.Fatalf("only %d objects are looked at", len(before))
	}
	run, err := s.Run(ctx, stage.NewRun(stage.Payments, "build-and-push-image", map[string]string{"image-ref": stage.Payments.Repository, "tag": "gitops"}))
	if err != nil {
		t.Fatal(err)
	}
	if outcome := stage.Outcome(run.Status.Conditions); outcome.Status != corev1.ConditionTrue {
		t.Fatalf("%s: %s", outcome.Reason, outcome.Message)
	}
	refused(t, ctx, stage.NewPush(stage.Platform, stage.Payments.Repository), v1alpha1.ReasonImageOutsideOrganization)
	if diff := cmp.Diff(before, states(t, objects)); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
	t.Logf("%d objects were looked at", len(before))
}

// manifests reads the objects of the files that pattern matches; namespace is for those that name none.
func manifests(t *testing.T, pattern, namespace string) (all []unstructured.Unstructured) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %v, %v", pattern, files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, document := range strings.Split("\n"+string(data), "\n---\n") {
			var object unstructured.Unstructured
			if err := yaml.Unmarshal([]byte(document), &object.Object); err != nil {
				t.Fatalf("reading %q: %v", file, err)
			}
			if object.GetNamespace() == "" {
				object.SetNamespace(namespace)
			}
			all = append(all, object)
		}
	}
	return all
}

// states returns each object as the API server has it, without its status and what counts its writes.
func states(t *testing.T, objects []unstructured.Unstructured) map[string]any {
	t.Helper()
	client, err := dynamic.NewForConfig(s.Config)
	if err != nil {
		t.Fatal(err)
	}
	groups, err := restmapper.GetAPIGroupResources(s.Kube.Discovery())
	if err != nil {
		t.Fatal(err)
	}
	mapper, all := restmapper.NewDiscoveryRESTMapper(groups), map[string]any{}
	for _, o := range objects {
		kind := o.GroupVersionKind()
		mapping, err := mapper.RESTMapping(schema.GroupKind{Group: kind.Group, Kind: kind.Kind}, kind.Version)
		if err != nil {
			t.Fatal(err)
		}
		live, err := client.Resource(mapping.Resource).Namespace(o.GetNamespace()).Get(t.Context(), o.GetName(), metav1.GetOptions{})
		if err != nil {
			t.Fatalf("reading %s %q: %v", kind.Kind, o.GetName(), err)
		}
		// The writers of the object itself stay: a controller that wrote it would be one of them.
		var writers []string
		for _, m := range live.GetManagedFields() {
			if m.Subresource == "" {
				writers = append(writers, m.Manager+" "+string(m.Operation)+" "+m.Time.String())
			}
		}
		live.SetManagedFields(nil)
		live.SetResourceVersion("")
		delete(live.Object, "status")
		all[kind.Kind+" "+o.GetName()] = map[string]any{"object": live.Object, "writers": writers}
	}
	return all
}
