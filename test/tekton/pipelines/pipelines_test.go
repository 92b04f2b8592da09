package pipelines

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/test/tekton/install"
)

// On a new machine the cache of modules is empty, and make demo may be the first thing that is run there.
func TestManifestsAreFoundOnANewMachine(t *testing.T) {
	// What this machine has is the new one's proxy.
	if _, err := install.Download(t.Context(), module); err != nil {
		t.Fatal(err)
	}
	cache, err := exec.CommandContext(t.Context(), "go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOPROXY", "file://"+filepath.Join(strings.TrimSpace(string(cache)), "cache", "download"))
	t.Setenv("GOMODCACHE", t.TempDir())
	t.Setenv("GOFLAGS", "-modcacherw") // So that the test's directory can be deleted.
	t.Setenv("GOSUMDB", "off")
	config, err := manifests(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(config, "*.yaml"))
	if err != nil || len(files) < 10 {
		t.Errorf("in %q are %d manifests: %v", config, len(files), err)
	}
}
