package quaytest

import (
	"fmt"
	"net/http"
	"time"
)

// tagChangeRoutes are those of quay/quay:endpoints/api/tag.py that change a tag.
var tagChangeRoutes = []apiRoute{
	route("PUT", "repository/{...}/tag/{}", repoWrite, apiCall.putTag).takes(field{name: "manifest_digest", kind: "string,null"},
		field{name: "expiration", kind: "number,null"}, field{name: "immutable", kind: "boolean"}).ofNormal(),
	route("DELETE", "repository/{...}/tag/{}", repoWrite, apiCall.deleteTag).ofNormal(),
	route("POST", "repository/{...}/tag/{}/restore", repoWrite, apiCall.restoreTag).takes(field{name: "manifest_digest", kind: "string"}).ofNormal(),
}

// errTagFixed is the management API's answer to a change of an immutable tag.
func errTagFixed(operation, tag string) *apiError {
	return apiErr(http.StatusConflict, "tag_immutable", "Cannot "+operation+" immutable tag '"+tag+"'")
}

// errTagName is what the framework says of a tag that none can be.
var errTagName = errModel(`Invalid tag: must match [A-Za-z0-9_.-], NOT start with "." or "-", and can contain 1-128 characters`)

// liveTag is the tag that the path names; nil if it is not alive.
func (c apiCall) liveTag(r *repository) *tag {
	if t := r.tags[c.args[1]]; t != nil && t.alive(c.q.now()) {
		return t
	}
	return nil
}

// putTag does all that the body asks for, in Quay's order; what is done before an error stays done.
func (c apiCall) putTag() (int, any, *apiError) {
	r := c.q.repositories[c.args[0]]
	switch {
	case !tagPattern.MatchString(c.args[1]):
		return 0, nil, errTagName
	case r == nil:
		return 0, nil, errNotFound
	}
	for _, change := range []struct {
		member string
		make   func(apiCall, *repository) *apiError
	}{{"expiration", apiCall.changeExpiration}, {"immutable", apiCall.changeImmutable}, {"manifest_digest", apiCall.moveTag}} {
		if _, ok := c.body[change.member]; ok {
			if err := change.make(c, r); err != nil {
				return 0, nil, err
			}
		}
	}
	return http.StatusCreated, "Updated", nil
}

// The shortest and the longest life that the management API gives a tag
// (quay/quay:config.py, LABELED_EXPIRATION_MINIMUM and LABELED_EXPIRATION_MAXIMUM).
const (
	shortestLife = time.Hour
	longestLife  = 104 * 7 * 24 * time.Hour
)

func (c apiCall) changeExpiration(r *repository) *apiError {
	t := c.liveTag(r)
	if t == nil {
		return errNotFound
	}
	end := time.Time{}
	if seconds, ok := c.body["expiration"].(float64); ok {
		asked := time.Unix(int64(seconds), 0)
		if !asked.After(c.q.now()) {
			return errBadRequest
		}
		if t.immutable && !c.q.noImmutability {
			return errModel("Cannot set expiration on immutable tag '" + t.name + "'")
		}
		end = t.start.Add(min(max(asked.Sub(t.start.Truncate(time.Second)), shortestLife), longestLife))
	}
	was := t.end
	t.end = end
	if !was.IsZero() || !end.IsZero() {
		c.recordTag("change_tag_expiration", map[string]any{"expiration_date": moment(end), "old_expiration_date": moment(was)})
	}
	return nil
}

// moment is a time as the log has it.
func moment(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.Unix()
}

// changeImmutable lets go of a tag only for an administrator, whatever a policy says of its name.
func (c apiCall) changeImmutable(r *repository) *apiError {
	if c.q.noImmutability {
		return nil
	}
	t := c.liveTag(r)
	if t == nil {
		return errNotFound
	}
	immutable, _ := c.body["immutable"].(bool)
	switch {
	case !immutable && t.immutable && !repoAdmin.has(c):
		return c.refuse()
	case immutable && !t.end.IsZero():
		return errModel(fmt.Sprintf("Cannot make tag '%s' immutable: tag has expiration set. Clear expiration first or enable FEATURE_IMMUTABLE_TAGS_CAN_EXPIRE.", t.name))
	}
	was := t.immutable
	t.immutable = immutable
	c.recordTag("change_tag_immutability", map[string]any{"immutable": immutable, "previous_immutable": was})
	return nil
}

// moveTag takes a manifest that a live tag names, or whose index one names; a hidden tag does not count.
func (c apiCall) moveTag(r *repository) *apiError {
	now, dgst := c.q.now(), c.text("manifest_digest")
	if !r.tagged(dgst, now) {
		return errNotFound
	}
	kind, was := "create_tag", any(nil)
	if old := c.liveTag(r); old != nil {
		kind, was = "move_tag", old.digest
	}
	r.hold(dgst, now, now.Add(lookupLease))
	if !c.q.retarget(r, c.args[1], dgst, false) {
		return errTagFixed("overwrite", c.args[1])
	}
	c.recordTag(kind, map[string]any{"manifest_digest": dgst, "original_manifest_digest": was})
	return nil
}

// restoreTag takes any manifest that is still there, dead or alive.
func (c apiCall) restoreTag() (int, any, *apiError) {
	r, dgst, now := c.q.repositories[c.args[0]], c.text("manifest_digest"), c.q.now()
	_, asked := c.body["manifest_digest"]
	switch {
	case r == nil:
		return 0, nil, errNotFound
	case !asked:
		return 0, nil, errRequest("Missing manifest_digest")
	case r.manifests[dgst] == nil:
		return 0, nil, errNotFound
	}
	r.hold(dgst, now, now.Add(lookupLease))
	if !c.q.retarget(r, c.args[1], dgst, true) {
		return 0, nil, errTagFixed("overwrite", c.args[1])
	}
	c.recordTag("revert_tag", map[string]any{"manifest_digest": dgst})
	return http.StatusOK, map[string]any{}, nil
}

func (c apiCall) deleteTag() (int, any, *apiError) {
	r := c.q.repositories[c.args[0]]
	if r == nil {
		return 0, nil, errNotFound
	}
	t := c.liveTag(r)
	switch {
	case t == nil:
		return 0, nil, errNotFound
	case t.immutable && !c.q.noImmutability:
		return 0, nil, errTagFixed("delete", t.name)
	}
	r.endTag(t, c.q.now())
	c.recordTag("delete_tag", map[string]any{})
	return http.StatusNoContent, nil, nil
}

// recordTag logs what was done to the tag that the path names.
func (c apiCall) recordTag(kind string, more map[string]any) {
	more["tag"], more["username"] = c.args[1], c.token.user.name
	metadata, org := c.metadata(more)
	c.record(kind, metadata, org)
}
