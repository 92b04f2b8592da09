//go:build e2e

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/argoproj/argo-cd/gitops-engine/v3/pkg/sync/syncwaves"
)

// operator has the kinds of config/monitoring/, as Prometheus' operator defines them.
const operator = "github.com/prometheus-operator/prometheus-operator@v0.85.0"

// One sync of each Application brings a cluster that has none of it to all of it: by Argo CD's own engine, wave after wave, healthy at the
// end. Then all is Synced, which a second sync does not change, and no more does what the API server, Tekton and the controller do to it
// meanwhile.
func TestFirstSync(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 13*time.Minute)
	defer cancel()
	cluster, err := Connect(os.Getenv("KUBECONFIG"))
	if err != nil {
		t.Fatal(err)
	}
	defineMonitors(t, ctx)
	var applications []*Application
	for _, a := range gitOps {
		recursive := !strings.HasPrefix(a.paths, "config/")
		var manifests []byte
		for path := range strings.FieldsSeq(a.paths) {
			resolved := execute(t, ctx, nil, "ko", "resolve", "--platform=linux/"+runtime.GOARCH, fmt.Sprintf("--recursive=%t", recursive), "--filename="+path)
			manifests = append(append(manifests, "\n---\n"...), resolved...)
		}
		application, err := cluster.New(a.name, a.namespace, manifests)
		if err != nil {
			t.Fatal(err)
		}
		applications = append(applications, application)
	}
	keepSettings(t, ctx)
	keepWatching(t, ctx)
	for _, application := range slices.Backward(applications) {
		remove(t, ctx, application)
	}
	for i, application := range applications {
		path := gitOps[i].paths
		if missing, err := cluster.Drift(ctx, application); err != nil || len(missing) != len(application.Objects) {
			t.Fatalf("%s: %d objects, and before the first sync %q, %v", path, len(application.Objects), missing, err)
		}
		if path != "config/" {
			t.Cleanup(func() { remove(t, context.Background(), application) })
		}
		before := time.Now()
		if err := cluster.Sync(ctx, application, func(wave int) error { return inWaves(t, ctx, cluster, application, wave) }); err != nil {
			t.Fatal(err)
		}
		took := time.Since(before)
		healthy, cancel := context.WithTimeout(ctx, 2*time.Minute)
		sick, err := cluster.WaitHealthy(healthy, application)
		cancel()
		if err != nil || len(sick) > 0 {
			t.Errorf("%s is not healthy: %q, %v", path, sick, err)
		}
		t.Logf("%s: %d objects were synced after %.0fs, and healthy after %.0fs", path, len(application.Objects), took.Seconds(), time.Since(before).Seconds())
	}
	for _, again := range []bool{false, true} {
		for _, a := range applications {
			if again {
				if err := cluster.Sync(ctx, a, nil); err != nil {
					t.Error(err)
				}
			}
			drift, err := cluster.Drift(ctx, a)
			if err != nil || len(drift) > 0 {
				t.Errorf("%s, synced again %t:\n%s\n%v", a.Name, again, strings.Join(drift, "\n"), err)
			}
		}
	}
}

// inWaves checks that once a wave is applied, the objects of this wave and of those before are there, and no other.
func inWaves(t *testing.T, ctx context.Context, cluster *Cluster, a *Application, applied int) error {
	for _, object := range a.Objects {
		live, err := cluster.get(ctx, object)
		if err != nil {
			return err
		}
		if wave := syncwaves.Wave(object); (live != nil) != (wave <= applied) {
			t.Errorf("%s: after wave %d %s is there: %t, and it is of wave %d", a.Name, applied, name(object), live != nil, wave)
		}
	}
	return nil
}

// defineMonitors gives the cluster the kinds of config/monitoring/, until the test ends.
func defineMonitors(t *testing.T, ctx context.Context) {
	t.Helper()
	var module struct{ Dir string }
	if err := json.Unmarshal(execute(t, ctx, nil, "go", "mod", "download", "-json", operator), &module); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"servicemonitors", "prometheusrules"} {
		file := filepath.Join(module.Dir, "example", "prometheus-operator-crd", "monitoring.coreos.com_"+kind+".yaml")
		if there := execute(t, ctx, nil, "kubectl", "get", "--ignore-not-found", "--output=name", "--filename="+file); len(there) > 0 {
			continue
		}
		t.Cleanup(func() {
			execute(t, context.Background(), nil, "kubectl", "delete", "--ignore-not-found", "--filename="+file)
		})
		execute(t, ctx, nil, "kubectl", "apply", "--server-side", "--filename="+file)
		execute(t, ctx, nil, "kubectl", "wait", "--for=condition=Established", "--timeout=60s", "--filename="+file)
	}
}

// keepSettings puts into config-tenancy what it has now, when the test ends.
func keepSettings(t *testing.T, ctx context.Context) {
	t.Helper()
	config := []string{"configmap", "config-tenancy", "--namespace=quay-push"}
	text := execute(t, ctx, nil, "kubectl", append([]string{"get", "--ignore-not-found", "--output=json"}, config...)...)
	if len(text) == 0 {
		return
	}
	var settings struct{ Data map[string]string }
	if err := json.Unmarshal(text, &settings); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		patch, err := json.Marshal(map[string]any{"data": settings.Data})
		if err != nil {
			t.Fatal(err)
		}
		execute(t, context.Background(), nil, "kubectl", append([]string{"patch", "--patch=" + string(patch)}, config...)...)
	})
}

// keeper is a policy that does nothing.
const keeper = `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: test-argocd}
spec:
  paramKind: {apiVersion: v1, kind: ConfigMap}
  matchConstraints:
    resourceRules: [{apiGroups: [test-argocd.example.com], apiVersions: ["*"], operations: [CREATE], resources: [none]}]
  validations: [{expression: "true"}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: test-argocd}
spec:
  policyName: test-argocd
  paramRef: {name: none, namespace: default, parameterNotFoundAction: Allow}
  validationActions: [Warn]
`

// keepWatching has the API server watch ConfigMaps for policies while the test has deleted all others. Once it has stopped, it never
// starts again, and every policy that reads a ConfigMap refuses everything until it is restarted
// (k8s.io/apiserver v0.36.3: pkg/admission/plugin/policy/generic/policy_source.go; its factory starts no informer twice).
func keepWatching(t *testing.T, ctx context.Context) {
	t.Helper()
	t.Cleanup(func() {
		execute(t, context.Background(), []byte(keeper), "kubectl", "delete", "--ignore-not-found", "--filename=-")
	})
	execute(t, ctx, []byte(keeper), "kubectl", "apply", "--filename=-")
	// When the API server has begun to, nobody can see; it takes policies up within a second or two.
	time.Sleep(5 * time.Second)
}

// remove deletes the Application's objects, and returns when they are gone.
func remove(t *testing.T, ctx context.Context, a *Application) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	list, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "List", "items": a.Objects})
	if err != nil {
		t.Fatal(err)
	}
	execute(t, ctx, list, "kubectl", "delete", "--ignore-not-found", "--filename=-")
}

// execute runs a program in the repository's top directory, and returns what it prints.
func execute(t *testing.T, ctx context.Context, stdin []byte, program string, args ...string) []byte {
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
