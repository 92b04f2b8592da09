package source

import (
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/registry"
	"github.com/comptech-lab/quay-push/pkg/reference"
)

// origin is where an image in a registry is.
type origin struct {
	registry.Target
	// reference is a tag or a digest.
	reference string
}

// parseOrigin reads HOST/REPOSITORY[:TAG|@DIGEST], by default :latest. The error is a usage error. It does not repeat text,
// which has a password in it when somebody wrote it as a URL has it.
func parseOrigin(text string) (origin, error) {
	host, path, _ := strings.Cut(text, "/")
	repository, digest, pinned := strings.Cut(path, "@")
	repository, tag, tagged := strings.Cut(repository, ":")
	o := origin{registry.Target{Host: host, Repository: repository}, "latest"}
	switch {
	case !reference.IsHost(host) || !strings.ContainsAny(host, ".:") && host != "localhost":
		return origin{}, failure.Usage("--source docker:// does not go on with a registry host: docker://HOST/REPOSITORY[:TAG|@DIGEST]")
	case len(o.Name()) > reference.MaxName:
		return origin{}, registry.TooLong(failure.SourceFlag, len(o.Name()))
	case !reference.IsRepository(repository):
		return origin{}, failure.Usage("--source docker://%s/… has an invalid repository: lower case letters, digits and . _ - between them", host)
	case pinned && tagged:
		return origin{}, failure.Usage("--source docker://%s has a tag and a digest: which one is meant?", o.Name())
	case pinned:
		if d, err := v1.NewHash(digest); err != nil || d.Algorithm != "sha256" {
			return origin{}, failure.Usage("--source docker://%s@… has a digest that is not sha256:<64 hex>", o.Name())
		}
		o.reference = digest
	case tagged:
		if !reference.IsTag(tag) {
			return origin{}, failure.Usage("--source docker://%s:… has an invalid tag", o.Name())
		}
		o.reference = tag
	}
	return o, nil
}
