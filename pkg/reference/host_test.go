package reference_test

import (
	"testing"

	"github.com/comptech-lab/quay-push/pkg/reference"
)

func TestIsHost(t *testing.T) {
	for host, want := range map[string]bool{
		"quay.example.com": true, "quay.example.com:8443": true, "localhost:5000": true, "10.0.0.1": true, "10.0.0.1:443": true,
		"[::1]": true, "[::1]:5000": true, "Quay.Example.com": true,
		"": false, "quay..com": false, "-quay.com": false, "quay.com:": false, "quay.com:port": false, "::1": false, "[nonsense]": false,
		"[:::]": false, "quay.com/team": false, "user@quay.com": false, "quay.com:123456": false, "quay com": false,
	} {
		if got := reference.IsHost(host); got != want {
			t.Errorf("IsHost(%q) = %v", host, got)
		}
	}
}
