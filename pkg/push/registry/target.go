package registry

import (
	"slices"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/reference"
)

// Target is where the image goes.
type Target struct {
	// Host is the registry with its port, as the reference has it.
	Host string
	// Repository is the path below the host, organization/name.
	Repository string
	// Tags are what the digest is published under, without duplicates; never empty once the target is anchored.
	Tags []string
}

// ParseTarget reads an image reference host/org/repo[:tag] and the tags beside it; an empty tag is none. The error is a
// usage error.
func ParseTarget(image string, tags []string) (Target, error) {
	if image == "" {
		return Target{}, failure.Usage("--image-ref is missing: host/organization/name")
	}
	if strings.Contains(image, "@") {
		return Target{}, failure.Usage("--image-ref %q has a digest: the digest is what the push finds out, so give host/organization/name alone", image)
	}
	host, path, ok := strings.Cut(image, "/")
	if !ok || !strings.ContainsAny(host, ".:") && host != "localhost" {
		return Target{}, failure.Usage("--image-ref %q does not start with a registry host: host/organization/name", image)
	}
	repository, tag, tagged := strings.Cut(path, ":")
	if tagged {
		tags = append([]string{tag}, tags...)
	}
	to := Target{Host: host, Repository: repository}
	switch {
	case !reference.IsHost(host):
		return Target{}, failure.Usage("--image-ref %q has an invalid host", image)
	case len(to.Name()) > reference.MaxName:
		return Target{}, TooLong(failure.ImageRefFlag, len(to.Name()))
	case !reference.IsRepository(repository):
		return Target{}, failure.Usage("--image-ref %q has an invalid repository: lower case letters, digits and . _ - between them", image)
	case !strings.Contains(repository, "/"):
		// Quay takes it for one of the organization "library" (quay/quay config.py, LIBRARY_NAMESPACE), which no tenant is.
		return Target{}, failure.Usage("--image-ref %q has no organization: host/organization/name", image)
	case tagged && tag == "":
		return Target{}, failure.Usage("--image-ref %q ends in an empty tag", image)
	}
	for _, tag := range tags {
		// Tekton passes an empty string for a param that nobody set.
		if tag == "" || slices.Contains(to.Tags, tag) {
			continue
		}
		if !reference.IsTag(tag) {
			return Target{}, failure.Usage("tag %q is invalid: at most 128 letters, digits and . _ -, and no . or - first", tag)
		}
		to.Tags = append(to.Tags, tag)
	}
	return to, nil
}

// TooLong is the error for a name with more than reference.MaxName characters.
func TooLong(flag string, length int) error {
	return failure.Usage("%s names a repository with %d characters, host and slashes included: at most %d are taken", flag, length, reference.MaxName).Then(
		"choose a shorter name for the repository")
}

// Anchored returns t with the anchor of digest behind its tags, unless it has that.
func (t Target) Anchored(digest string) Target {
	if anchor := reference.Anchor(digest); !slices.Contains(t.Tags, anchor) {
		t.Tags = append(slices.Clip(t.Tags), anchor)
	}
	return t
}

// Name is host/organization/name.
func (t Target) Name() string { return t.Host + "/" + t.Repository }

// Organization is the first element of the repository.
func (t Target) Organization() string {
	organization, _, _ := strings.Cut(t.Repository, "/")
	return organization
}
