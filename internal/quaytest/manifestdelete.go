package quaytest

import (
	"net/http"
)

// deleteManifest answers DELETE by tag, which ends the tag, or by digest, which
// ends every tag of the manifest. Nothing is erased.
func (c call) deleteManifest(w http.ResponseWriter, r *http.Request) *registryError {
	ended, refusal := c.endTags()
	if refusal != nil {
		return refusal
	}
	for _, name := range ended {
		if refusal := c.record("delete_tag", r, map[string]any{"tag": name, "digest": c.ref}); refusal != nil {
			return refusal
		}
	}
	writeEmpty(w, http.StatusAccepted)
	return nil
}

// endTags ends the tags that the path means and returns their names.
func (c call) endTags() ([]string, *registryError) {
	c.q.mu.Lock()
	defer c.q.mu.Unlock()
	now, ended := c.q.now(), []string{}
	for name, t := range c.repo.tags {
		if (name == c.ref || t.digest == c.ref) && t.alive(now) {
			if t.immutable && !c.q.noImmutability {
				return nil, errTagImmutable(name)
			}
			c.repo.endTag(t, now)
			ended = append(ended, name)
		}
	}
	if len(ended) == 0 {
		return nil, errManifestUnknown
	}
	return ended, nil
}
