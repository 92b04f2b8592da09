//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/test/stage"
)

// What a platform has set, each by the command of the docs, is there after the upgrade that upgrade.md tells, and a run is decided by it.
func TestUpgradeKeepsConfiguration(t *testing.T) {
	ctx := within(t, 6*time.Minute)
	set := map[string]map[string]string{
		config.Name: {"registry": s.Quay.Host, "custody-namespace": stage.Custody, "internal-registries": "image-registry.openshift-image-registry.svc:5000",
			"verify-results": "true", "git-hosts": "git.git.svc", "run-secrets": "git-<team>, npm-<team>"},
		"config-logging":       {"loglevel.controller": "debug"},
		"config-observability": {"runtime-profiling": "disabled"},
	}
	for name, data := range set {
		setData(t, ctx, name, data)
	}
	follow(t, ctx, "Upgrade", ".")
	for name, want := range set {
		found := data(t, ctx, name)
		for key, value := range want {
			if found[key] != value {
				t.Errorf("%s: %s is %q after the upgrade, was %q", name, key, found[key], value)
			}
		}
	}
	run, err := s.Run(ctx, stage.NewPush(stage.Platform, stage.Payments.Repository))
	if err != nil {
		t.Fatal(err)
	}
	custom, err := s.CustomRunOf(ctx, run)
	if err != nil {
		t.Fatal(err)
	}
	checkRefused(t, ctx, custom, v1alpha1.ReasonImageOutsideOrganization, stage.Platform.Team)
}

// An older config-tenancy was applied with its values, and kubectl takes a value away that it applied once and does not find any more.
func TestUpgradeOfAnAppliedConfiguration(t *testing.T) {
	ctx := within(t, 6*time.Minute)
	want := data(t, ctx, config.Name)
	restore(t, ctx, config.Name)
	maps := s.Kube.CoreV1().ConfigMaps(system)
	applied := fmt.Sprintf(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":%q,"namespace":%q,"annotations":{}},"data":{"registry":"quay.author.example"}}`, config.Name, system)
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":%q}}}`, applied)
	if _, err := maps.Patch(ctx, config.Name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	follow(t, ctx, "Upgrade", ".")
	if diff := cmp.Diff(want, data(t, ctx, config.Name)); diff != "" {
		t.Errorf("after the upgrade (-set +found):\n%s", diff)
	}
}

// setData sets keys of a ConfigMap of the controller's, and makes it what it was when the test ends.
func setData(t *testing.T, ctx context.Context, name string, data map[string]string) {
	t.Helper()
	restore(t, ctx, name)
	patch, err := json.Marshal(map[string]any{"data": data})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Kube.CoreV1().ConfigMaps(system).Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
}

// restore makes the ConfigMap's data what it was when the test ends.
func restore(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	maps := s.Kube.CoreV1().ConfigMaps(system)
	was, err := maps.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := within(t, time.Minute)
		for {
			now, err := maps.Get(ctx, name, metav1.GetOptions{})
			if err != nil {
				t.Error(err)
				return
			}
			now.Data = was.Data
			if _, err := maps.Update(ctx, now, metav1.UpdateOptions{}); err == nil || !apierrs.IsConflict(err) {
				if err != nil {
					t.Error(err)
				}
				return
			}
		}
	})
}

// data returns what a ConfigMap of the controller's sets, without its example.
func data(t *testing.T, ctx context.Context, name string) map[string]string {
	t.Helper()
	found, err := s.Kube.CoreV1().ConfigMaps(system).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	delete(found.Data, "_example")
	return found.Data
}
