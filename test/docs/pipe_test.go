package docs_test

import (
	"regexp"
	"testing"
)

// early is a program of a pipe that ends before its input does. Who writes to it then is killed by SIGPIPE, or not, as the time falls, and
// under pipefail the whole command fails with it.
var early = regexp.MustCompile(`(?m)\|\s*(head\b|grep\s+(-\w*[qm]|--quiet|--max-count)|sed\s+(-\w+\s+)*'?(\d+|/[^/']*/)\s*q)`)

// Commands that people are told to run read what they are given to its end.
func TestPipesAreReadToTheEnd(t *testing.T) {
	seen := 0
	for _, block := range blocks(t, "sh") {
		seen++
		if found := early.FindString(block.Text); found != "" {
			t.Errorf("%s: %q ends before its input does", block, found)
		}
	}
	if seen < 50 {
		t.Errorf("only %d blocks were seen", seen)
	}
}

func TestEarly(t *testing.T) {
	for command, want := range map[string]bool{
		"a | head -n 1":                      true,
		"a |\n  head -n 1 | b":               true,
		"a | grep -q b":                      true,
		"a | grep -Fxq b":                    true,
		"a | grep --quiet b":                 true,
		"a | grep -m1 b":                     true,
		"a | sed 1q":                         true,
		"a | sed -n '/b/q'":                  true,
		"head -n 1 a | b":                    false,
		"grep -q a b || c":                   false,
		"a | grep b":                         false,
		"a | sed -n '1s/.*\"\\(q*\\)/\\1/p'": false,
		"a || header":                        false,
	} {
		if got := early.MatchString(command); got != want {
			t.Errorf("%q: %v, want %v", command, got, want)
		}
	}
}
