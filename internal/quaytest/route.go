package quaytest

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
)

// serveBase answers the version check: with a token 200, without one the challenge.
func (q *Quay) serveBase(w http.ResponseWriter, r *http.Request) {
	status := http.StatusUnauthorized
	if header := r.Header.Get("Authorization"); header != "" {
		if _, err := q.bearer(r); err != nil {
			q.refuseToken(w, err, "")
			return
		}
		status = http.StatusOK
	}
	setChallenge(w, q.challenge(""))
	w.Header().Set("X-Sparse-Manifest-Support", "false")
	writeAs(w, status, htmlType, true)
}

var (
	routePattern = regexp.MustCompile(`^/v2/(.+)/(manifests|blobs/uploads|blobs|tags|referrers)/([^/]*)$`)
	// digestPattern and tagPattern are what Quay's routes take as a reference.
	digestPattern = regexp.MustCompile(`^[A-Za-z0-9_+.-]+:[A-Fa-f0-9]+$`)
	tagPattern    = regexp.MustCompile(`^\w[\w.-]{0,127}$`)
)

// call is one request to a repository.
type call struct {
	q    *Quay
	repo *repository
	// ref is the last element of the path: a tag, digest or upload.
	ref string
	// claims are those of the bearer token.
	claims *claims
}

// serve is a handler for a call; an error that it returns is the whole answer.
type serve func(c call, w http.ResponseWriter, r *http.Request) *registryError

// serveRepository finds the handler of a request below a repository, admits
// the request and runs it.
func (q *Quay) serveRepository(w http.ResponseWriter, r *http.Request) {
	match := routePattern.FindStringSubmatch(r.URL.Path)
	if match == nil {
		writeNotFound(w)
		return
	}
	name, kind, ref := match[1], match[2], match[3]
	methods, ok := methodsOf(kind, ref)
	if !ok {
		writeNotFound(w)
		return
	}
	handler := methods[r.Method]
	if handler == nil {
		writeNoMethod(w, allow(slices.Sorted(maps.Keys(methods))))
		return
	}
	// Quay looks at the media type of a manifest before it looks at the token.
	if kind == "manifests" && r.Method == http.MethodPut {
		if err := checkMediaType(r); err != nil {
			err.write(w)
			return
		}
	}
	write := kind == "blobs/uploads" || r.Method != http.MethodGet && r.Method != http.MethodHead
	claims, err := q.bearer(r)
	if err != nil {
		q.refuseToken(w, err, scopeOf(name, write))
		return
	}
	if !claims.allow(name, write) && (write || !q.isPublic(name)) {
		errUnauthorized(q.challenge(scopeOf(name, write))).write(w)
		return
	}
	repo, refusal := q.admit(name, r.Method, kind)
	if refusal == nil {
		refusal = handler(call{q: q, repo: repo, ref: ref, claims: claims}, w, r)
	}
	if refusal != nil {
		refusal.write(w)
	}
}

// methodsOf returns the handlers of one kind of path by method; false if ref is none.
func methodsOf(kind, ref string) (map[string]serve, bool) {
	switch kind {
	case "manifests":
		return map[string]serve{
			http.MethodGet: call.getManifest, http.MethodHead: call.getManifest,
			http.MethodPut: call.putManifest, http.MethodDelete: call.deleteManifest,
		}, digestPattern.MatchString(ref) || tagPattern.MatchString(ref)
	case "blobs":
		return map[string]serve{
			http.MethodGet: call.getBlob, http.MethodHead: call.getBlob, http.MethodDelete: call.deleteBlob,
		}, digestPattern.MatchString(ref)
	case "blobs/uploads":
		if ref == "" {
			return map[string]serve{http.MethodPost: call.startUpload}, true
		}
		return map[string]serve{
			http.MethodGet: call.uploadStatus, http.MethodPatch: call.patchUpload,
			http.MethodPut: call.putUpload, http.MethodDelete: call.cancelUpload,
		}, true
	case "tags":
		return map[string]serve{http.MethodGet: call.listTags}, ref == "list"
	default:
		return map[string]serve{http.MethodGet: call.listReferrers}, digestPattern.MatchString(ref)
	}
}

// admit looks name up and refuses writes that the registry as a whole does not
// take now. The last request of an upload passes while pushes are disabled, as
// in quay/quay:endpoints/v2/blob.py.
func (q *Quay) admit(name, method, kind string) (*repository, *registryError) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if method != http.MethodGet && method != http.MethodHead {
		switch {
		case q.readOnly:
			return nil, errReadOnly
		case q.pushesOff && !(kind == "blobs/uploads" && method == http.MethodPut):
			return nil, errPushesDisabled
		}
	}
	repo := q.repositories[name]
	if repo == nil {
		return nil, errNameUnknown
	}
	return repo, nil
}

// bearer returns the claims of the token that r carries: those of nobody if it
// carries none.
func (q *Quay) bearer(r *http.Request) (*claims, error) {
	header := r.Header.Get("Authorization")
	if header == "" {
		return &claims{Subject: anonymousName}, nil
	}
	q.mu.Lock()
	now, revoked := q.now(), q.revoked[header]
	q.mu.Unlock()
	if revoked {
		return nil, tokenError("Signature has expired")
	}
	c, err := q.signer.verify(header, q.host, now)
	if err != nil {
		return nil, err
	}
	journalEntry(r).setRobot(c.Subject)
	return c, nil
}

// refuseToken answers a request whose bearer token is bad.
func (q *Quay) refuseToken(w http.ResponseWriter, err error, scope string) {
	setChallenge(w, q.challenge(scope))
	writeAs(w, http.StatusUnauthorized, htmlType, map[string]string{"error": err.Error()})
}

// isPublic reports whether anybody may read repo.
func (q *Quay) isPublic(repo string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	r := q.repositories[repo]
	return r != nil && r.public && !q.noAnonymous
}

// allow reports whether the token may read or write repo. Nothing else decides:
// rights taken away after the token was issued still count.
func (c *claims) allow(repo string, write bool) bool {
	return slices.ContainsFunc(c.Access, func(a access) bool {
		if a.Name != repo {
			return false
		}
		for _, action := range a.Actions {
			if action == "*" || action == "push" || action == "pull" && !write {
				return true
			}
		}
		return false
	})
}

// scopeOf is the scope that a challenge for repo asks for.
func scopeOf(repo string, write bool) string {
	if write {
		return "repository:" + repo + ":pull,push"
	}
	return "repository:" + repo + ":pull"
}
