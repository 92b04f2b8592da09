package quay

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// Children returns the digests, sha256:<hex>, of the manifests that an index of "organization/name" lists; none for an image. The
// error is one for IsNotFound where no tag names the digest, nor an index that one names.
func (c *Client) Children(ctx context.Context, repository, digest string) ([]string, error) {
	var answer struct {
		Data string `json:"manifest_data"`
	}
	err := c.repositoryCall(ctx, call{method: http.MethodGet, out: &answer}, repository, "manifest", digest)
	if err != nil {
		return nil, fmt.Errorf("reading manifest %q of %q: %w", digest, repository, err)
	}
	var index struct {
		Manifests []struct {
			Digest string `json:"digest"`
		} `json:"manifests"`
	}
	if err := json.Unmarshal([]byte(answer.Data), &index); err != nil {
		return nil, fmt.Errorf("reading manifest %q of %q: it is no JSON", digest, repository)
	}
	found := make([]string, 0, len(index.Manifests))
	for _, m := range index.Manifests {
		found = append(found, m.Digest)
	}
	return found, nil
}
