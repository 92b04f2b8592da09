package quaytest

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// lookupLease is how long a manifest is held that was looked up to be tagged
// (quay/quay:data/model/oci/manifest.py, TEMP_TAG_EXPIRATION_SEC).
const lookupLease = 5 * time.Minute

// hold gives the manifest dgst a hidden tag until end, unless a tag, dead or
// alive, lasts as long (quay/quay:data/model/oci/tag.py,
// create_temporary_tag_if_necessary). The caller holds mu.
func (r *repository) hold(dgst string, now, end time.Time) {
	m := r.manifests[dgst]
	if m == nil || m.forever || !m.lease.IsZero() && !m.lease.Before(end) {
		return
	}
	for _, t := range r.rows() {
		if t.digest == dgst && (t.end.IsZero() || !t.end.Before(end)) {
			return
		}
	}
	m.lease = end
}

// rows are all tags of r, of today and of the past; the caller holds mu.
func (r *repository) rows() []*tag {
	rows := slices.Clone(r.past)
	for _, t := range r.tags {
		rows = append(rows, t)
	}
	return rows
}

// retarget points the tag name at the manifest dgst, which r has. It returns
// false for a live immutable tag, even if it points there already
// (quay/quay:data/model/oci/tag.py, retarget_tag). The caller holds mu.
func (q *Quay) retarget(r *repository, name, dgst string, reversion bool) bool {
	now, old := q.now(), r.tags[name]
	if old != nil && old.alive(now) {
		if old.immutable && !q.noImmutability {
			return false
		}
		old.end = now
		if old.digest != dgst {
			r.endSignatures(old, now)
		}
	}
	if old != nil {
		r.past = append(r.past, old)
	}
	labels := r.manifests[dgst].labels
	t := &tag{name: name, digest: dgst, start: now, reversion: reversion}
	byRule := !q.noImmutability && q.fixes(r, name)
	t.immutable = byRule || !q.noImmutability && strings.EqualFold(strings.TrimSpace(labels["quay.immutable"]), "true")
	if d, ok := parseExpiry(labels["quay.expires-after"]); ok && !t.immutable {
		t.end = now.Add(d)
	}
	r.tags[name] = t
	if byRule {
		q.record(r.org, "tag_made_immutable_by_policy", "", map[string]any{"tag": name, "repo": r.short(), "namespace": r.org, "immutable": true})
	}
	return true
}

// endTag ends a live tag, with the hidden tags of the children of its index; the caller holds mu.
func (r *repository) endTag(t *tag, now time.Time) {
	t.end = now
	r.endSignatures(t, now)
	for _, child := range r.manifests[t.digest].children() {
		if m := r.manifests[child.Digest]; m != nil && !m.forever && now.Before(m.lease) {
			m.lease = now
		}
	}
}

// signaturePattern is the name of a tag of cosign's.
var signaturePattern = regexp.MustCompile(`^sha256-[a-f0-9]{64}\.(sig|att|sbom)$`)

// endSignatures ends the tags of cosign's about the manifest of a tag that
// ended, unless another one names that manifest; Quay does so since the commits
// of July 2026 (quay/quay:data/model/oci/tag.py, _expire_cosign_sibling_tags).
func (r *repository) endSignatures(ended *tag, now time.Time) {
	if signaturePattern.MatchString(ended.name) {
		return
	}
	for name, t := range r.tags {
		if t.digest == ended.digest && t.alive(now) && !signaturePattern.MatchString(name) {
			return
		}
	}
	for _, suffix := range []string{".sig", ".att", ".sbom"} {
		if t := r.tags[strings.Replace(ended.digest, ":", "-", 1)+suffix]; t != nil && t.alive(now) && !t.immutable {
			t.end = now
		}
	}
}
