package version_test

import (
	"runtime"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/version"
)

func TestRead(t *testing.T) {
	if b := version.Read(); b.Go != runtime.Version() || b.Version == "" || b.Commit == "" {
		t.Errorf("build is %+v", b)
	}
}

func TestText(t *testing.T) {
	for _, test := range []struct {
		build       version.Build
		long, short string
	}{
		{version.Build{Version: "v1.2.3", Commit: "unknown", Go: "go1.26.4"}, "tkn quay v1.2.3\ncommit unknown\nbuilt with go1.26.4\n", "v1.2.3"},
		{version.Build{Version: "(devel)", Commit: "abc", Go: "go1.26.4", Modified: true}, "tkn quay (devel)\ncommit abc, with changes\nbuilt with go1.26.4\n", "abc"},
		{version.Build{Version: "(devel)", Commit: "unknown", Go: "go1.26.4"}, "tkn quay (devel)\ncommit unknown\nbuilt with go1.26.4\n", "(devel)"},
	} {
		if long, short := test.build.Text("tkn quay"), test.build.Short(); long != test.long || short != test.short {
			t.Errorf("%+v: %q, %q", test.build, long, short)
		}
	}
}
