package cli_test

import (
	"encoding/json"
	"runtime"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/version"
)

// The version is told without any server, to a person and to a program.
func TestVersion(t *testing.T) {
	w := newWorld(t)
	if got, want := w.must("version"), version.Read().Text("tkn quay"); got != want {
		t.Errorf("version is %q, want %q", got, want)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(w.must("version", "-o", "json")), &got); err != nil {
		t.Fatal(err)
	}
	if got["kind"] != "Version" || got["go"] != runtime.Version() || got["version"] == "" || got["commit"] == "" {
		t.Errorf("version is %v", got)
	}
}
