package quay

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// tagPageSize is the largest page of tags that Quay answers with.
const tagPageSize = 100

// Tag is one life of a tag: from when it was set until it was moved, deleted or expires.
type Tag struct {
	Name string
	// Digest is what it points at, sha256:<hex>.
	Digest string
	// Start is when it was set, to the second.
	Start time.Time
	// End is when it stopped or will stop; zero means never.
	End time.Time
}

// Tags lists the tags of "organization/name" that were set at or after since, dead ones too, the newest first. With an error it
// returns what was read before.
func (c *Client) Tags(ctx context.Context, repository string, since time.Time) ([]Tag, error) {
	found := []Tag{}
	for page := 1; page <= maxPages; page++ {
		var answer struct {
			Tags []struct {
				Name   string `json:"name"`
				Digest string `json:"manifest_digest"`
				Start  int64  `json:"start_ts"`
				End    int64  `json:"end_ts"`
			} `json:"tags"`
			More bool `json:"has_additional"`
		}
		err := c.repositoryCall(ctx, call{method: http.MethodGet, slash: true, out: &answer,
			query: url.Values{"limit": {strconv.Itoa(tagPageSize)}, "page": {strconv.Itoa(page)}}}, repository, "tag")
		if err != nil {
			return found, fmt.Errorf("listing tags of %q: %w", repository, err)
		}
		for _, t := range answer.Tags {
			tag := Tag{Name: t.Name, Digest: t.Digest, Start: time.Unix(t.Start, 0).UTC()}
			if tag.Start.Before(since.Truncate(time.Second)) {
				return found, nil
			}
			if t.End > 0 {
				tag.End = time.Unix(t.End, 0).UTC()
			}
			found = append(found, tag)
		}
		if !answer.More {
			return found, nil
		}
	}
	return found, fmt.Errorf("listing tags of %q: more than %d pages: %w", repository, maxPages, ErrMore)
}
