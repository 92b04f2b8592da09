package quaytest

import (
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"regexp"
	"strings"
)

// serveToken answers /v2/auth as quay/quay:endpoints/v2/v2auth.py does: with
// valid credentials always 200, with the actions that the robot really has,
// which may be none.
func (q *Quay) serveToken(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-cache, no-store, must-revalidate")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		writePage(w, http.StatusMethodNotAllowed)
		return
	}
	name, err := q.login(r)
	if err != nil {
		err.write(w)
		return
	}
	journalEntry(r).setRobot(name)
	query := r.URL.Query()
	scopes := query["scope"]
	if name == "" && len(scopes) == 0 {
		errUnauthorized(q.challenge("")).write(w)
		return
	}
	granted := []access{}
	for _, scope := range scopes {
		if scope == "" {
			continue
		}
		a, err := q.downscope(name, scope)
		if err != nil {
			err.write(w)
			return
		}
		granted = append(granted, a)
	}
	token, signErr := q.signer.sign(q.claims(name, query.Get("service"), granted))
	if signErr != nil {
		writePage(w, http.StatusInternalServerError)
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"token": token})
}

// login returns the full name of the robot whose credentials r carries, or ""
// when r carries none.
func (q *Quay) login(r *http.Request) (string, *registryError) {
	if r.Header.Get("Authorization") == "" {
		return "", nil
	}
	challenge := q.challenge("")
	name, password, ok := r.BasicAuth()
	switch {
	case !ok:
		return "", errLogin(challenge, "Specified credentials are invalid")
	case !strings.Contains(name, "+"):
		return "", errLogin(challenge, "Invalid Username or Password")
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	robot := q.robots[name]
	if robot == nil {
		return "", errLogin(challenge, "Could not find robot with specified username")
	}
	if subtle.ConstantTimeCompare([]byte(password), []byte(robot.token)) == 0 {
		return "", errLogin(challenge, "Could not find robot with username: "+name+" and supplied password.")
	}
	robot.accessed = q.now()
	return name, nil
}

// scopePattern is Quay's scope grammar, after the host that may precede the name.
var scopePattern = regexp.MustCompile(`^((?:[.a-zA-Z0-9_-]+/)*[.a-zA-Z0-9_-]+):((?:push|pull|\*)(?:,(?:push|pull|\*))*)$`)

// downscope reduces a requested scope to what the robot has. Asking to push to
// a repository that does not exist creates it if the robot may create: Quay
// does so inside the token request.
func (q *Quay) downscope(robot, scope string) (access, *registryError) {
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
	if o := q.organizations[org]; target == nil && wanted["push"] && o != nil && o.mayCreate(robot) {
		// The name is valid and free, so this cannot fail.
		target, _ = q.createRepository(org, repo, robot)
	}
	granted := access{Type: "repository", Name: match[1], Actions: []string{}}
	if prefixed {
		// Quay repeats the name as it was asked for, and later does not know it.
		granted.Name = q.host + "/" + match[1]
	}
	if target == nil {
		return granted, nil
	}
	role := q.organizations[org].effective(target, robot)
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
func (q *Quay) claims(robot, audience string, granted []access) claims {
	now := q.Now()
	c := claims{
		Issuer:    tokenIssuer,
		Audience:  audience,
		NotBefore: now.Unix(),
		IssuedAt:  now.Unix(),
		Expires:   now.Add(TokenLifetime).Unix(),
		Subject:   robot,
		Access:    granted,
		Context:   map[string]any{"version": 2, "entity_kind": "robot", "entity_reference": robot},
		ID:        rand.Text(),
	}
	if robot == "" {
		c.Subject = anonymousName
		c.Context = map[string]any{"version": 2, "entity_kind": "anonymous"}
	}
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
