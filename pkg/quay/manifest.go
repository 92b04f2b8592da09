package quay

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
)

// Child is a manifest that an index lists.
type Child struct {
	// Digest is sha256:<hex>.
	Digest string
	// Index reports whether it is an index itself.
	Index bool
}

// indexTypes are the media types of an index (OCI image spec v1.1, "Image Index"; Docker's "manifest list").
var indexTypes = []string{"application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"}

// Children returns what an index of "organization/name" lists; nothing for an image. The error is one for IsNotFound where no tag names
// the digest, nor an index that one names.
func (c *Client) Children(ctx context.Context, repository, digest string) ([]Child, error) {
	var answer struct {
		Data string `json:"manifest_data"`
	}
	err := c.repositoryCall(ctx, call{method: http.MethodGet, out: &answer}, repository, "manifest", digest)
	if err != nil {
		return nil, fmt.Errorf("reading manifest %q of %q: %w", digest, repository, err)
	}
	var index struct {
		Manifests []struct {
			MediaType string `json:"mediaType"`
			Digest    string `json:"digest"`
		} `json:"manifests"`
	}
	if err := json.Unmarshal([]byte(answer.Data), &index); err != nil {
		return nil, fmt.Errorf("reading manifest %q of %q: it is no JSON", digest, repository)
	}
	found := make([]Child, 0, len(index.Manifests))
	for _, m := range index.Manifests {
		found = append(found, Child{m.Digest, slices.Contains(indexTypes, m.MediaType)})
	}
	return found, nil
}
