//go:build e2e

package e2e

import (
	"os"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/test/docs"
)

// What the page takes away is all that was installed, and in a namespace that was guarded runs go on. Then it is installed again.
func TestUninstall(t *testing.T) {
	ctx := within(t, 12*time.Minute)
	blocks, err := docs.Read("../../docs/uninstall.md")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Install(within(t, 6*time.Minute)); err != nil {
			t.Fatalf("installing it again: %v", err)
		}
	})
	printed := ""
	for _, block := range blocks {
		if block.Language == "sh" {
			printed = runBlock(t, ctx, os.Environ(), block)
		}
	}
	if printed != "" {
		t.Errorf("the last block prints\n%s", printed)
	}
	namespaces, err := s.Kube.CoreV1().Namespaces().List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range namespaces.Items {
		if n.Name == system || n.Labels[v1alpha1.LabelGuarded] != "" {
			t.Errorf("namespace %q is left with labels %v", n.Name, n.Labels)
		}
	}
	roles, err := s.Kube.RbacV1().ClusterRoles().List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range roles.Items {
		if strings.HasPrefix(r.Name, "quay-push") {
			t.Errorf("ClusterRole %q is left", r.Name)
		}
	}
}
