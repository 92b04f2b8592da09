package push

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
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

// The grammar of the OCI distribution spec v1.1, "Pulling manifests". go-containerregistry's is wider: it takes dot
// segments, with which a path could leave the tenant's organization.
var (
	hostPattern       = regexp.MustCompile(`^([a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[0-9a-fA-F:]+\])(:[0-9]{1,5})?$`)
	repositoryPattern = regexp.MustCompile(`^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$`)
	tagPattern        = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$`)
)

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

// maxName is the longest host/repository that the spec promises to work, in characters.
const maxName = 255

// parseTarget reads an image reference host/org/repo[:tag] and the tags beside it; an empty tag is none. The error is a
// usage error.
func parseTarget(reference string, tags []string) (target, error) {
	if reference == "" {
		return target{}, failure.Usage("--image-ref is missing: host/organization/name")
	}
	if strings.Contains(reference, "@") {
		return target{}, failure.Usage("--image-ref %q has a digest: the digest is what the push finds out, so give host/organization/name alone", reference)
	}
	host, path, ok := strings.Cut(reference, "/")
	if !ok || !strings.ContainsAny(host, ".:") && host != "localhost" {
		return target{}, failure.Usage("--image-ref %q does not start with a registry host: host/organization/name", reference)
	}
	repository, tag, tagged := strings.Cut(path, ":")
	if tagged {
		tags = append([]string{tag}, tags...)
	}
	to := target{host: host, repository: repository}
	switch {
	case !possibleHost(host):
		return target{}, failure.Usage("--image-ref %q has an invalid host", reference)
	case len(to.name()) > maxName:
		return target{}, tooLong(failure.ImageRefFlag, len(to.name()))
	case !repositoryPattern.MatchString(repository):
		return target{}, failure.Usage("--image-ref %q has an invalid repository: lower case letters, digits and . _ - between them", reference)
	case tagged && tag == "":
		return target{}, failure.Usage("--image-ref %q ends in an empty tag", reference)
	}
	for _, tag := range tags {
		// Tekton passes an empty string for a param that nobody set.
		if tag == "" || slices.Contains(to.tags, tag) {
			continue
		}
		if !tagPattern.MatchString(tag) {
			return target{}, failure.Usage("tag %q is invalid: at most 128 letters, digits and . _ -, and no . or - first", tag)
		}
		to.tags = append(to.tags, tag)
	}
	return to, nil
}

// tooLong is the error for a name with more than maxName characters.
func tooLong(flag string, length int) error {
	return failure.Usage("%s names a repository with %d characters, host and slashes included: at most %d are taken", flag, length, maxName).Then(
		"choose a shorter name for the repository")
}

// name is host/organization/name.
func (t target) name() string { return t.host + "/" + t.repository }

// organization is the first element of the repository.
func (t target) organization() string {
	organization, _, _ := strings.Cut(t.repository, "/")
	return organization
}

// anchored returns t with a tag made of the digest if it has none: Quay drops a manifest that no tag names after an hour
// (quay/quay config.py, PUSH_TEMP_TAG_EXPIRATION_SEC).
func (t target) anchored(digest string) target {
	if len(t.tags) == 0 {
		_, hex, _ := strings.Cut(digest, ":")
		t.tags = []string{"digest-" + hex[:32]}
	}
	return t
}
