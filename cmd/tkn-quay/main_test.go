package main

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"tkn-quay": main})
}

// What the program is without a cluster; with one, pkg/cli and test/e2e show it.
func TestScripts(t *testing.T) { testscript.Run(t, testscript.Params{Dir: "testdata"}) }

// What only tests need is in no program.
func TestDependencies(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, dep := range strings.Fields(string(out)) {
		if strings.HasSuffix(dep, "/quaytest") || strings.Contains(dep, "/fake") && strings.HasPrefix(dep, "k8s.io/") {
			t.Errorf("tkn-quay depends on %s", dep)
		}
	}
}
