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
	// Immutable reports whether it can be neither moved nor deleted; false where Quay does not know of that (before 3.17).
	Immutable bool
	// Index reports whether it points at an index.
	Index bool
}

// Lives reports whether the tag still names its digest at a time.
func (t Tag) Lives(at time.Time) bool { return t.End.IsZero() || at.Before(t.End) }

// wireTag is a tag as Quay writes it (quay/quay endpoints/api/tag.py, _tag_dict).
type wireTag struct {
	Name      string `json:"name"`
	Digest    string `json:"manifest_digest"`
	Start     int64  `json:"start_ts"`
	End       int64  `json:"end_ts"`
	Immutable bool   `json:"immutable"`
	Index     bool   `json:"is_manifest_list"`
}

func (w wireTag) tag() Tag {
	tag := Tag{Name: w.Name, Digest: w.Digest, Start: time.Unix(w.Start, 0).UTC(), Immutable: w.Immutable, Index: w.Index}
	if w.End > 0 {
		tag.End = time.Unix(w.End, 0).UTC()
	}
	return tag
}

// Tags lists the tags of "organization/name" that were set at or after since, dead ones too, the newest first. With an error it
// returns what was read before.
func (c *Client) Tags(ctx context.Context, repository string, since time.Time) ([]Tag, error) {
	return c.tags(ctx, repository, since, nil)
}

// TagLives lists the lives of one tag, dead ones too, the newest first.
func (c *Client) TagLives(ctx context.Context, repository, tag string) ([]Tag, error) {
	return c.tags(ctx, repository, time.Time{}, url.Values{"specificTag": {tag}})
}

func (c *Client) tags(ctx context.Context, repository string, since time.Time, only url.Values) ([]Tag, error) {
	found := []Tag{}
	for page := 1; page <= maxPages; page++ {
		var answer struct {
			Tags []wireTag `json:"tags"`
			More bool      `json:"has_additional"`
		}
		query := url.Values{"limit": {strconv.Itoa(tagPageSize)}, "page": {strconv.Itoa(page)}}
		for name, values := range only {
			query[name] = values
		}
		err := c.repositoryCall(ctx, call{method: http.MethodGet, slash: true, out: &answer, query: query}, repository, "tag")
		if err != nil {
			return found, fmt.Errorf("listing tags of %q: %w", repository, err)
		}
		for _, w := range answer.Tags {
			tag := w.tag()
			if tag.Start.Before(since.Truncate(time.Second)) {
				return found, nil
			}
			found = append(found, tag)
		}
		if !answer.More {
			return found, nil
		}
	}
	return found, fmt.Errorf("listing tags of %q: more than %d pages: %w", repository, maxPages, ErrMore)
}
