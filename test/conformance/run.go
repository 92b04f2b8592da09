package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
)

const module = "github.com/comptech-lab/quay-push/"

// run runs the tests of the lines, those on the cluster only if there is one, and returns how each ended: pass, fail or skip.
// A test that did not run has no entry. Progress goes to standard error.
func run(ctx context.Context, lines []Line, onCluster bool) (map[string]string, error) {
	byPackage := map[string][]string{}
	for _, line := range lines {
		for _, test := range line.Tests {
			pkg, name, _ := strings.Cut(test, ".")
			if !slices.Contains(byPackage[pkg], name) {
				byPackage[pkg] = append(byPackage[pkg], name)
			}
		}
	}
	outcomes := map[string]string{}
	for _, pkg := range slices.Sorted(maps.Keys(byPackage)) {
		args := []string{"test", "-json", "-count=1", "-timeout=40m", "-run", "^(" + strings.Join(byPackage[pkg], "|") + ")$"}
		if strings.HasPrefix(cluster, pkg) {
			if !onCluster {
				continue
			}
			args = append(args, "-tags=e2e")
		}
		fmt.Fprintf(os.Stderr, "running %d tests of %s\n", len(byPackage[pkg]), pkg)
		if err := goTest(ctx, append(args, module+pkg), outcomes); err != nil {
			return nil, fmt.Errorf("testing %q: %w", pkg, err)
		}
	}
	return outcomes, nil
}

// goTest runs go and reads its JSON (go doc test2json). That a test fails is no error, that none could be run is.
func goTest(ctx context.Context, args []string, outcomes map[string]string) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Stderr = os.Stderr
	output, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	ran := false
	lines := bufio.NewScanner(output)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var event struct{ Action, Package, Test string }
		if json.Unmarshal(lines.Bytes(), &event) != nil || event.Test == "" || strings.Contains(event.Test, "/") {
			continue
		}
		if event.Action == "pass" || event.Action == "fail" || event.Action == "skip" {
			outcomes[strings.TrimPrefix(event.Package, module)+"."+event.Test], ran = event.Action, true
		}
	}
	if err := cmd.Wait(); err != nil && !ran {
		return err
	}
	return lines.Err()
}
