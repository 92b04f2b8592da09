package push

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/reference"
)

// target is where the image goes.
type target struct {
	// host is the registry with its port, as the reference has it.
	host string
	// repository is the path below the host, organization/name.
	repository string
	// tags are what the digest is published under, without duplicates; never empty once the digest is known.
	tags []string
}

// hostPattern is a registry host with or without a port.
var hostPattern = regexp.MustCompile(`^([a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[0-9a-fA-F:]+\])(:[0-9]{1,5})?$`)

// possibleHost reports whether host, with or without a port, is one: a name, an IPv4 address or an IPv6 address in brackets.
func possibleHost(host string) bool {
	if !hostPattern.MatchString(host) {
		return false
	}
	inner, bracketed := strings.CutPrefix(host, "[")
	inner, _, _ = strings.Cut(inner, "]")
	_, err := netip.ParseAddr(inner)
	return !bracketed || err == nil
}

// parseTarget reads an image reference host/org/repo[:tag] and the tags beside it; an empty tag is none. The error is a
// usage error.
func parseTarget(image string, tags []string) (target, error) {
	if image == "" {
		return target{}, usageError("--image-ref is missing: host/organization/name")
	}
	if strings.Contains(image, "@") {
		return target{}, usageError("--image-ref %q has a digest: the digest is what the push finds out, so give host/organization/name alone", image)
	}
	host, path, ok := strings.Cut(image, "/")
	if !ok || !strings.ContainsAny(host, ".:") && host != "localhost" {
		return target{}, usageError("--image-ref %q does not start with a registry host: host/organization/name", image)
	}
	repository, tag, tagged := strings.Cut(path, ":")
	if tagged {
		tags = append([]string{tag}, tags...)
	}
	to := target{host: host, repository: repository}
	switch {
	case !possibleHost(host):
		return target{}, usageError("--image-ref %q has an invalid host", image)
	case len(to.name()) > reference.MaxName:
		return target{}, tooLong(imageRefFlag, len(to.name()))
	case !reference.IsRepository(repository):
		return target{}, usageError("--image-ref %q has an invalid repository: lower case letters, digits and . _ - between them", image)
	case tagged && tag == "":
		return target{}, usageError("--image-ref %q ends in an empty tag", image)
	}
	for _, tag := range tags {
		// Tekton passes an empty string for a param that nobody set.
		if tag == "" || slices.Contains(to.tags, tag) {
			continue
		}
		if !reference.IsTag(tag) {
			return target{}, usageError("tag %q is invalid: at most 128 letters, digits and . _ -, and no . or - first", tag)
		}
		to.tags = append(to.tags, tag)
	}
	return to, nil
}

// tooLong is the error for a name with more than reference.MaxName characters.
func tooLong(flag string, length int) error {
	return usageError("%s names a repository with %d characters, host and slashes included: at most %d are taken", flag, length, reference.MaxName).then(
		"choose a shorter name for the repository")
}

// name is host/organization/name.
func (t target) name() string { return t.host + "/" + t.repository }

// anchored returns t with a tag made of the digest if it has none: Quay drops a manifest that no tag names after an hour
// (quay/quay config.py, PUSH_TEMP_TAG_EXPIRATION_SEC).
func (t target) anchored(digest string) target {
	if len(t.tags) == 0 {
		_, hex, _ := strings.Cut(digest, ":")
		t.tags = []string{"digest-" + hex[:32]}
	}
	return t
}
