package registry_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/registry"
)

func TestParseTarget(t *testing.T) {
	tests := []struct {
		reference  string
		tags       []string
		host, repo string
		want       []string
	}{
		{"q.io/team-a/app", nil, "q.io", "team-a/app", nil},
		{"q.io/team-a/app:v1", []string{"v2", "", "v1"}, "q.io", "team-a/app", []string{"v1", "v2"}},
		{"q.io:8443/team-a/deep/app", []string{"v1"}, "q.io:8443", "team-a/deep/app", []string{"v1"}},
		{"localhost/a/b", []string{"_x"}, "localhost", "a/b", []string{"_x"}},
		{"[::1]:5000/a/b", []string{"v1"}, "[::1]:5000", "a/b", []string{"v1"}},
		{"127.0.0.1:5000/a/b.c__d---e", []string{"v1"}, "127.0.0.1:5000", "a/b.c__d---e", []string{"v1"}},
	}
	for _, test := range tests {
		got, err := registry.ParseTarget(test.reference, test.tags)
		if err != nil {
			t.Errorf("ParseTarget(%q): %v", test.reference, err)
			continue
		}
		if got.Host != test.host || got.Repository != test.repo || got.Name() != test.host+"/"+test.repo {
			t.Errorf("ParseTarget(%q) = %+v", test.reference, got)
		}
		if diff := cmp.Diff(test.want, got.Tags); diff != "" {
			t.Errorf("tags of %q (-want +got):\n%s", test.reference, diff)
		}
	}
}

func TestParseTargetRefuses(t *testing.T) {
	for _, reference := range []string{
		"", "app", "team-a/app", "q.io", "q.io/", "/team-a/app", "docker://q.io/team-a/app", "https://q.io/team-a/app",
		"q.io/team-a/app@sha256:" + strings.Repeat("0", 64), "q.io/team-a/app:v1@sha256:" + strings.Repeat("0", 64),
		"q.io/team-a/../team-b/app", "q.io/team-a/./app", "q.io/team-a//app", "q.io//app", "q.io/Team-A/app", "q.io/team-a/app/",
		"q.io/team-a/app:", "q.io/team-a/app:-v", "q.io/team-a/app:v 1", "q.io/team-a/app\n", "q.io/team-a/app?x=1", "q.io/team-a/%2e%2e/app",
		"user@q.io/team-a/app", "q.io:port/team-a/app", "[1]:0/a", "[::1::]/a", "[127.0.0.1]/a", "[fe80::1%25eth0]/a", "-q.io/team-a/app", "q.io/app", "q.io/app:v1", "q.io/" + strings.Repeat("a", 251),
	} {
		if got, err := registry.ParseTarget(reference, nil); failure.ExitCode(err) != failure.ClassUsage.Exit {
			t.Errorf("ParseTarget(%q) = %+v, %v, want a usage error", reference, got, err)
		}
	}
	if _, err := registry.ParseTarget("q.io/a/b", []string{strings.Repeat("v", 129)}); failure.ExitCode(err) != failure.ClassUsage.Exit {
		t.Errorf("a tag of 129 characters: %v", err)
	}
}
