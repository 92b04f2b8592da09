// Package reference has the grammar of what names an image, host/repository[:tag][@digest].
package reference

import (
	"regexp"
	"strings"
)

// MaxName is the longest host/repository that the OCI distribution spec v1.1 promises to work, in characters.
const MaxName = 255

// The grammar of the OCI distribution spec v1.1, "Pulling manifests", and what Quay takes of it (quay/quay util/names.py); a digest
// is the OCI image spec's ("Digests"), of the one algorithm that registries promise. go-containerregistry's is wider: it takes dot
// segments, with which a path could leave the tenant's organization.
var (
	repositoryPattern = regexp.MustCompile(`^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$`)
	tagPattern        = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$`)
	digestPattern     = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
)

// IsRepository reports whether path can be a repository's, without the host: one element, or more with slashes between them.
func IsRepository(path string) bool { return repositoryPattern.MatchString(path) }

// IsTag reports whether text can be a tag.
func IsTag(text string) bool { return tagPattern.MatchString(text) }

// IsDigest reports whether text is sha256:<64 hex>.
func IsDigest(text string) bool { return digestPattern.MatchString(text) }

// Bare is an image without tag and digest. Only a colon after the last slash starts a tag: a host may have a port.
func Bare(image string) string {
	name, _, _ := strings.Cut(image, "@")
	if colon := strings.LastIndexByte(name, ':'); colon > strings.LastIndexByte(name, '/') {
		name = name[:colon]
	}
	return name
}
