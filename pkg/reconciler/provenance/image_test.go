package provenance

import (
	"errors"
	"maps"
	"strings"
	"testing"
)

const (
	repository = "quay.example.com:8443/team-a/app"
	digest     = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	other      = "sha256:fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
)

// results are what push-image leaves.
func results() map[string]string {
	return map[string]string{"IMAGE_URL": repository + ":v1", "IMAGE_DIGEST": digest, "image-digest": digest, "image-ref": repository,
		"image-pinned": repository + "@" + digest, "overlay-image": `{"name":"` + repository + `","newName":"` + repository + `","digest":"` + digest + `"}`}
}

func TestPushed(t *testing.T) {
	for _, ref := range []string{repository, repository + ":v1"} {
		if got, err := Pushed(ref, results()); err != nil || got != (Image{repository, "v1", digest}) {
			t.Errorf("Pushed(%q) = %+v, %v", ref, got, err)
		}
	}
}

// One result that says something else is enough: a later task reads that one.
func TestPushedContradicts(t *testing.T) {
	for name, value := range map[string]string{
		"IMAGE_URL":     "quay.example.com:8443/team-b/app:v1",
		"IMAGE_DIGEST":  other,
		"image-digest":  other,
		"image-ref":     "quay.example.com:8443/team-b/app",
		"image-pinned":  "quay.example.com:8443/team-b/app@" + digest,
		"overlay-image": strings.ReplaceAll(results()["overlay-image"], digest, other),
	} {
		for _, value := range []string{value, "", results()[name] + "x\n"} {
			forged := maps.Clone(results())
			forged[name] = value
			if _, err := Pushed(repository, forged); !errors.As(err, new(*Unproven)) {
				t.Errorf("%s = %q: %v, want it unproven", name, value, err)
			}
		}
	}
	if _, err := Pushed("quay.example.com:8443/team-b/app", results()); !errors.As(err, new(*Unproven)) {
		t.Errorf("another repository: %v", err)
	}
}
