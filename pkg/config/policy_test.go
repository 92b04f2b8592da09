package config

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A policy reads the same ConfigMap, and where a key is missing it takes what the code takes: both believe in the same names.
func TestPoliciesHaveTheDefaults(t *testing.T) {
	reads := regexp.MustCompile(`(?:config|data)\[\?'([a-z-]+)'\]\.orValue\('([^']*)'\)`)
	c := Default()
	texts, lists := c.texts(), c.lists()
	read := map[string]bool{}
	for _, pattern := range []string{"../../config/300-policy-*.yaml", "../../config/*/300-policy-*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v, %v", pattern, files, err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, match := range reads.FindAllStringSubmatch(string(data), -1) {
				key, value := match[1], match[2]
				read[key] = true
				switch {
				case texts[key] != nil:
					if *texts[key] != value {
						t.Errorf("%s: %s is %q without the key, the code says %q", file, key, value, *texts[key])
					}
				case lists[key] != nil:
					if !slices.Equal(*lists[key], Fields(value)) {
						t.Errorf("%s: %s is %q without the key, the code says %q", file, key, value, *lists[key])
					}
				default:
					t.Errorf("%s: no key is named %q", file, key)
				}
			}
		}
	}
	for _, key := range []string{"team-prefix", "secret", "team-label", "run-labels", "shared-namespaces", "run-account", "run-secrets",
		"pipeline-namespaces", "tekton-accounts", "custody-namespace", "vault-path", "task"} {
		if !read[key] {
			t.Errorf("no policy reads %s", key)
		}
	}
}

// What two policies name alike they decide alike.
func TestPoliciesAgreeOnTheirVariables(t *testing.T) {
	variable := regexp.MustCompile(`(?m)^    - (?:\{name: ([a-z]+), expression: (".*")\}|name: ([a-z]+)\n      expression: (?:>-\n)?((?:        .*\n|".*"\n)+))`)
	agreed := []string{"config", "prefix", "keys", "account", "tekton", "ours", "owner", "own", "teams"}
	seen := map[string]map[string][]string{}
	files, err := filepath.Glob("../../config/300-policy-*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range variable.FindAllStringSubmatch(string(data), -1) {
			name, text := m[1]+m[3], strings.Join(strings.Fields(strings.NewReplacer(`\\n`, `\n`, `"`, "").Replace(m[2]+m[4])), " ")
			if !slices.Contains(agreed, name) {
				continue
			}
			if seen[name] == nil {
				seen[name] = map[string][]string{}
			}
			seen[name][text] = append(seen[name][text], filepath.Base(file))
		}
	}
	// Whose run it was, and whose a Pod is, is told by the controller's own label, too.
	most := map[string]int{"keys": 2}
	for _, name := range agreed {
		if n := len(seen[name]); n == 0 || n > max(most[name], 1) {
			t.Errorf("variable %s has %d forms: %v", name, n, seen[name])
		}
	}
}
