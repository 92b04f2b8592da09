package push

import (
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/comptech-lab/quay-push/pkg/reference"
)

// origin is where an image in a registry is.
type origin struct {
	target
	// reference is a tag or a digest.
	reference string
}

// parseOrigin reads HOST/REPOSITORY[:TAG|@DIGEST], by default :latest. The error is a usage error. It does not repeat text,
// which has a password in it when somebody wrote it as a URL has it.
func parseOrigin(text string) (origin, error) {
	host, path, _ := strings.Cut(text, "/")
	repository, digest, pinned := strings.Cut(path, "@")
	repository, tag, tagged := strings.Cut(repository, ":")
	o := origin{target{host: host, repository: repository}, "latest"}
	switch {
	case !possibleHost(host) || !strings.ContainsAny(host, ".:") && host != "localhost":
		return origin{}, usageError("--source docker:// does not go on with a registry host: docker://HOST/REPOSITORY[:TAG|@DIGEST]")
	case len(o.name()) > reference.MaxName:
		return origin{}, tooLong(sourceFlag, len(o.name()))
	case !reference.IsRepository(repository):
		return origin{}, usageError("--source docker://%s/… has an invalid repository: lower case letters, digits and . _ - between them", host)
	case pinned && tagged:
		return origin{}, usageError("--source docker://%s has a tag and a digest: which one is meant?", o.name())
	case pinned:
		if d, err := v1.NewHash(digest); err != nil || d.Algorithm != "sha256" {
			return origin{}, usageError("--source docker://%s@… has a digest that is not sha256:<64 hex>", o.name())
		}
		o.reference = digest
	case tagged:
		if !reference.IsTag(tag) {
			return origin{}, usageError("--source docker://%s:… has an invalid tag", o.name())
		}
		o.reference = tag
	}
	return o, nil
}
