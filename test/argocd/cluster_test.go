//go:build e2e

package argocd

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// What a platform team keeps in Git is, once it is applied, what the cluster has: Argo CD shows every object as Synced. Runs that go on
// meanwhile change none.
func TestNoDrift(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	// Later ones need earlier ones.
	for _, source := range []struct{ path, namespace string }{
		{"config/", ""}, {"config/custody/", ""}, {"config/copy/", ""}, {"config/fleet/", ""}, {"config/openshift/", ""},
		{"tekton/task/", "openshift-pipelines"}, {"tekton/stepaction/", "openshift-pipelines"}, {"tekton/pipeline/", "apps-payments-checkout"},
	} {
		kubectl := kubectl{ctx: ctx}
		if source.namespace != "" {
			kubectl.flags = []string{"--namespace=" + source.namespace}
		}
		// Below config/ are the optional parts, below the others what belongs to them.
		kubectl.manifests = run(t, ctx, nil, "ko", "resolve", fmt.Sprintf("--recursive=%t", source.namespace != ""), "--filename="+source.path)
		wanted := kubectl.objects(t, "create", "--dry-run=client", "--validate=false")
		live := kubectl.apply(t)
		if len(wanted) == 0 || len(live) != len(wanted) {
			t.Fatalf("%s: %d objects are in Git, and %d in the cluster", source.path, len(wanted), len(live))
		}
		for i, desired := range wanted {
			if name(live[i]) != name(desired) {
				t.Fatalf("%s: object %d is %s in Git, and %s in the cluster", source.path, i, name(desired), name(live[i]))
			}
			fields, err := Drift(ctx, desired, live[i])
			if err != nil {
				t.Error(err)
			}
			for _, field := range fields {
				t.Errorf("%s: %s is OutOfSync: %s", source.path, name(desired), field)
			}
		}
		t.Logf("%s: %d objects were compared", source.path, len(wanted))
	}
}

// kubectl runs the program on the manifests.
type kubectl struct {
	ctx       context.Context
	manifests []byte
	flags     []string
}

// apply applies the manifests, and returns what the cluster has then. What was not there before is deleted when the test ends.
func (k kubectl) apply(t *testing.T) []*unstructured.Unstructured {
	t.Helper()
	before := map[string]bool{}
	for _, object := range k.objects(t, "get", "--ignore-not-found") {
		before[name(object)] = true
	}
	k.objects(t, "apply")
	live := k.objects(t, "get")
	made := []any{}
	for _, object := range live {
		if !before[name(object)] {
			made = append(made, object.Object)
		}
	}
	if len(made) == 0 {
		return live
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		list, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "List", "items": made})
		if err != nil {
			t.Fatal(err)
		}
		run(t, ctx, list, "kubectl", "delete", "--ignore-not-found", "--filename=-")
	})
	return live
}

// objects runs a command, and returns the objects that it prints, in the order of the manifests.
func (k kubectl) objects(t *testing.T, command ...string) (objects []*unstructured.Unstructured) {
	t.Helper()
	args := append(append(command, "--output=json", "--filename=-"), k.flags...)
	decoder := json.NewDecoder(bytes.NewReader(run(t, k.ctx, k.manifests, "kubectl", args...)))
	for decoder.More() {
		printed := &unstructured.Unstructured{}
		if err := decoder.Decode(&printed.Object); err != nil {
			t.Fatal(err)
		}
		if !printed.IsList() {
			objects = append(objects, printed)
			continue
		}
		if err := printed.EachListItem(func(item runtime.Object) error {
			objects = append(objects, item.(*unstructured.Unstructured))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return objects
}

func name(object *unstructured.Unstructured) string {
	return fmt.Sprintf("%s %s/%s", object.GetKind(), object.GetNamespace(), object.GetName())
}

// run runs a program in the repository's top directory, and returns what it prints.
func run(t *testing.T, ctx context.Context, stdin []byte, program string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(ctx, program, args...)
	var stderr bytes.Buffer
	cmd.Dir, cmd.Stdin, cmd.Stderr = root, bytes.NewReader(stdin), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("running %s %q: %v\n%s", program, args, err, &stderr)
	}
	return out
}
