package reference_test

import (
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/reference"
)

func TestIsRepository(t *testing.T) {
	for path, want := range map[string]bool{
		"app": true, "team-a/app": true, "a/b/c": true, "a.b/c_d/e__f/g---h": true, "0": true,
		"": false, "/": false, "a/": false, "/a": false, "a//b": false, "A": false, "a..b": false, "a___b": false, "a._b": false,
		".a": false, "a-": false, "..": false, "a/../b": false, "a:b": false, "a\n": false, "ä": false, "a b": false, "%2e": false,
	} {
		if got := reference.IsRepository(path); got != want {
			t.Errorf("IsRepository(%q) = %v", path, got)
		}
	}
}

func TestIsTag(t *testing.T) {
	for tag, want := range map[string]bool{
		"v1": true, "_": true, "A.b-c_": true, strings.Repeat("a", 128): true,
		"": false, ".a": false, "-a": false, "a:b": false, "a/b": false, "a+b": false, "a\n": false, strings.Repeat("a", 129): false,
	} {
		if got := reference.IsTag(tag); got != want {
			t.Errorf("IsTag(%q) = %v", tag, got)
		}
	}
}

func TestIsDigest(t *testing.T) {
	hex := strings.Repeat("0123456789abcdef", 4)
	for digest, want := range map[string]bool{
		"sha256:" + hex: true,
		hex:             false, "sha256:": false, "sha256:" + hex[1:]: false, "sha256:" + hex + "0": false, "sha512:" + hex + hex: false,
		"sha256:" + strings.ToUpper(hex): false, "sha256:REPLACED_BY_CI": false, "sha256:" + hex + "\n": false,
	} {
		if got := reference.IsDigest(digest); got != want {
			t.Errorf("IsDigest(%q) = %v", digest, got)
		}
	}
}

func TestBare(t *testing.T) {
	for image, want := range map[string]string{
		"":                                  "",
		"app":                               "app",
		"app:v1":                            "app",
		"quay.test/team-a/app":              "quay.test/team-a/app",
		"quay.test/team-a/app:v1":           "quay.test/team-a/app",
		"quay.test:8443/team-a/app":         "quay.test:8443/team-a/app",
		"quay.test:8443/team-a/app:v1":      "quay.test:8443/team-a/app",
		"quay.test/app@sha256:00":           "quay.test/app",
		"quay.test:8443/app:v1@sha256:00":   "quay.test:8443/app",
		"quay.test:8443/app@sha256:00/a:v1": "quay.test:8443/app",
	} {
		if got := reference.Bare(image); got != want {
			t.Errorf("Bare(%q) = %q, want %q", image, got, want)
		}
	}
}
