package cli

import (
	"runtime"
	"strings"
	"testing"
)

func TestVersion(t *testing.T) {
	if b := newVersion(); b.Go != runtime.Version() || b.Kind != "Version" || b.Version == "" || b.Commit == "" {
		t.Errorf("version is %+v", b)
	}
	for _, test := range []struct {
		build       build
		long, short string
	}{
		{build{Version: "v1.2.3", Commit: "unknown", Go: "go1.26.4"}, "tkn quay v1.2.3\ncommit unknown\nbuilt with go1.26.4\n", "v1.2.3"},
		{build{Version: "(devel)", Commit: "abc", Go: "go1.26.4", Modified: true}, "tkn quay (devel)\ncommit abc, with changes\nbuilt with go1.26.4\n", "abc"},
		{build{Version: "(devel)", Commit: "unknown", Go: "go1.26.4"}, "tkn quay (devel)\ncommit unknown\nbuilt with go1.26.4\n", "(devel)"},
	} {
		var out strings.Builder
		if err := test.build.write(&out); err != nil || out.String() != test.long || test.build.short() != test.short {
			t.Errorf("%+v: %q, %q, %v", test.build, out.String(), test.build.short(), err)
		}
	}
}
