package quaytest

import (
	"cmp"
	"net/http"
	"regexp"
	"strings"
)

// serveToken answers /v2/auth as quay/quay:endpoints/v2/v2auth.py does: with
// valid credentials always 200, with the actions that the robot really has,
// which may be none.
func (q *Quay) serveToken(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		writeNoMethod(w, "HEAD, GET, OPTIONS")
		return
	}
	who, err := q.login(r)
	if who.name == "" && q.refusesAnonymous() {
		err = errNoAnonymous
	}
	if err != nil {
		err.write(w)
		return
	}
	journalEntry(r).setRobot(who.name)
	query := r.URL.Query()
	scopes := query["scope"]
	if who.name == "" && len(scopes) == 0 {
		errUnauthorized(q.challenge("")).write(w)
		return
	}
	granted := []access{}
	for _, scope := range scopes {
		if scope == "" && who.name == "" {
			errUnauthorized(q.challenge("")).write(w)
			return
		}
		if scope == "" {
			continue
		}
		a, err := q.downscope(who, scope)
		if err != nil {
			err.write(w)
			return
		}
		granted = append(granted, a)
	}
	token, signErr := q.signer.sign(q.claims(who, query.Get("service"), granted))
	if signErr != nil {
		writePage(w, http.StatusInternalServerError)
		return
	}
	if isRobot(who.name) && len(scopes) == 0 {
		q.recordLogin(who.name, r)
	}
	q.renew(token)
	w.Header().Set("Cache-Control", "no-cache, no-store, must-revalidate")
	writeJSON(w, http.StatusOK, map[string]string{"token": token})
}

// renew makes a token good that is issued now: it may be the very one that
// ExpireToken ended, since two tokens of one second are the same.
func (q *Quay) renew(token string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.revoked, "Bearer "+token)
}

// recordLogin logs a token request that asked for nothing.
func (q *Quay) recordLogin(robot string, r *http.Request) {
	org, _, _ := strings.Cut(robot, "+")
	q.mu.Lock()
	defer q.mu.Unlock()
	q.record(org, "login_success", robot, map[string]any{"kind": "robot", "robot": robot, "type": "v2auth", "useragent": r.UserAgent()})
}

// scopePattern is Quay's scope grammar, after the host that may precede the name.
var scopePattern = regexp.MustCompile(`^((?:[.a-zA-Z0-9_-]+/)*[.a-zA-Z0-9_-]+):((?:push|pull|\*)(?:,(?:push|pull|\*))*)$`)

// downscope reduces a requested scope to what who asks has. Asking to push to
// a repository that does not exist creates it if that one may create: Quay
// does so inside the token request.
func (q *Quay) downscope(who identity, scope string) (access, *registryError) {
	resource, ok := strings.CutPrefix(scope, "repository:")
	resource, prefixed := strings.CutPrefix(resource, q.host+"/")
	match := scopePattern.FindStringSubmatch(resource)
	if !ok || match == nil {
		return access{}, errInvalidRequest("Unable to decode repository and actions: " + scope)
	}
	org, repo, found := strings.Cut(match[1], "/")
	if !found {
		org, repo = "library", org
	}
	if !repositoryPattern.MatchString(repo) {
		return access{}, &registryError{status: http.StatusBadRequest, code: "NAME_INVALID",
			message: "Invalid repository name: " + match[1]}
	}
	wanted := map[string]bool{}
	for _, action := range strings.Split(match[2], ",") {
		wanted[action] = true
	}

	q.mu.Lock()
	defer q.mu.Unlock()
	target := q.repositories[org+"/"+repo]
	if target == nil && wanted["push"] && who.mayCreate(q, org) {
		// The name is valid and free, so this cannot fail.
		target, _ = q.createRepository(org, repo, who.name)
		target.byPush = true
	}
	granted := access{Type: "repository", Name: match[1], Actions: []string{}}
	if prefixed {
		// Quay repeats the name as it was asked for, and later does not know it.
		granted.Name = q.host + "/" + match[1]
	}
	if target == nil {
		return granted, nil
	}
	role := who.role(q, target)
	for _, rule := range []struct {
		action string
		need   Role
		states bool // whether the state of the repository matters
	}{{"push", Write, true}, {"pull", Read, false}, {"*", Admin, true}} {
		if wanted[rule.action] && role.includes(rule.need) && (!rule.states || target.state == Normal) {
			granted.Actions = append(granted.Actions, rule.action)
		}
	}
	return granted, nil
}

// claims are the contents of a token that is issued now.
func (q *Quay) claims(who identity, audience string, granted []access) claims {
	now := q.Now()
	c := claims{
		Issuer:    tokenIssuer,
		NotBefore: now.Unix(),
		IssuedAt:  now.Unix(),
		Expires:   now.Add(TokenLifetime).Unix(),
		Subject:   cmp.Or(who.name, anonymousName),
		Access:    granted,
		Context:   who.context(),
	}
	if audience != "" {
		c.Audience = &audience
	}
	roots := map[string]string{}
	for _, a := range granted {
		name := strings.TrimPrefix(a.Name, q.host+"/")
		if !strings.Contains(name, "/") {
			name = "library/" + name
		}
		roots[name] = "$disabled"
	}
	c.Context["com.apostille.root"], c.Context["com.apostille.roots"] = "$disabled", roots
	return c
}

// challenge is the WWW-Authenticate header, with a scope unless that is empty.
func (q *Quay) challenge(scope string) string {
	text := `Bearer realm="` + q.URL() + `/v2/auth",service="` + q.host + `"`
	if scope != "" {
		text += `,scope="` + scope + `"`
	}
	return text
}
