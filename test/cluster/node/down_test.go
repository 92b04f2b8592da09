package node

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// A container's cgroup is known as long as its directory is there, whoever is gone already.
func TestContainers(t *testing.T) {
	n := Node{Dir: t.TempDir()}
	if got := n.containers(); len(got) != 0 {
		t.Errorf("containers before the first are %q", got)
	}
	for _, id := range []string{"1c95", "0419"} {
		if err := os.MkdirAll(filepath.Join(n.Dir, "containerd/io.containerd.runtime.v2.task/k8s.io", id), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := n.containers(), []string{"k8s.io/0419", "k8s.io/1c95"}; !slices.Equal(got, want) {
		t.Errorf("containers are %q, want %q", got, want)
	}
}
