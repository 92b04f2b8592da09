package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

func gitHosts(value string) (*Config, error) {
	return FromConfigMap(&corev1.ConfigMap{Data: map[string]string{"git-hosts": value}})
}

func TestGitHosts(t *testing.T) {
	for value, want := range map[string][]string{
		"":                              {},
		"gitlab.example.com":            {"gitlab.example.com"},
		"git, git.svc:8443\n10.0.0.1:1": {"git", "git.svc:8443", "10.0.0.1:1"},
	} {
		got, err := gitHosts(value)
		if err != nil {
			t.Errorf("git-hosts %q: %v", value, err)
			continue
		}
		if diff := cmp.Diff(want, append([]string{}, got.GitHosts...)); diff != "" {
			t.Errorf("git-hosts %q (-want +got):\n%s", value, diff)
		}
	}
}

// A host that the beginning of no URL can be is a typo, or would allow more than it says.
func TestGitHostsRefuses(t *testing.T) {
	for _, host := range []string{
		"https://git.example.com", "git.example.com/", "git.example.com/payments", "user@git.example.com", "git.example.com@evil.example.com",
		"Git.example.com", "git.example.com.", ".example.com", "*.example.com", "-git", "git-", "[::1]", "git_hub", "git%2eexample.com",
		"git.example.com:", "git.example.com:0", "git.example.com:0443", "git.example.com:443", "git.example.com:123456", "git.example.com:https",
		"git.example.com?", "git.example.com#", `git.example.com\`,
	} {
		_, err := gitHosts("first.example.com " + host)
		if err == nil || !strings.Contains(err.Error(), `git-hosts: "`) || strings.Contains(err.Error(), "first") {
			t.Errorf("git-hosts %q: error is %v", host, err)
		}
	}
}
