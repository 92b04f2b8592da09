package quaytest

import (
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
)

// identity is whom a request to the token service comes from; the zero value is nobody.
type identity struct {
	name string
	// oauth is the OAuth token that a user came with.
	oauth *oauthToken
}

// oauthName is the name that takes an OAuth token for a password.
const oauthName = "$oauthtoken"

// login returns whose credentials r carries (quay/quay:auth/credentials.py).
func (q *Quay) login(r *http.Request) (identity, *registryError) {
	if r.Header.Get("Authorization") == "" {
		return identity{}, nil
	}
	challenge := q.challenge("")
	name, password, ok := r.BasicAuth()
	q.mu.Lock()
	defer q.mu.Unlock()
	switch oauth := q.oauthTokens[password]; {
	case !ok:
		return identity{}, errLogin(challenge, "Specified credentials are invalid")
	case name == oauthName && oauth == nil:
		return identity{}, errLogin(challenge, "OAuth access token could not be validated")
	case name == oauthName:
		return identity{name: oauth.user.name, oauth: oauth}, nil
	case !isRobot(name):
		return identity{}, errLogin(challenge, "Invalid Username or Password")
	}
	robot := q.robots[name]
	if robot == nil {
		return identity{}, errLogin(challenge, "Could not find robot with specified username")
	}
	if isJWT(password) && !q.noBearerLogin {
		if err := q.checkBearer(name, password); err != nil {
			return identity{}, err
		}
	} else if subtle.ConstantTimeCompare([]byte(password), []byte(robot.token)) == 0 {
		return identity{}, errLogin(challenge, "Could not find robot with username: "+name+" and supplied password.")
	}
	robot.accessed = q.now()
	return identity{name: name}, nil
}

// isJWT reports whether a password begins as a token of some kind does.
func isJWT(password string) bool {
	header, _, _ := strings.Cut(password, ".")
	data, err := base64.RawURLEncoding.DecodeString(header)
	var h struct{ Typ string }
	return err == nil && json.Unmarshal(data, &h) == nil && strings.EqualFold(h.Typ, "jwt")
}

// checkBearer takes any bearer token that the registry issued to the robot for
// its password, whatever it was issued for; Quay trips over one that is no
// good (quay/quay:data/model/user.py, verify_robot_jwt_token). The caller holds mu.
func (q *Quay) checkBearer(robot, token string) *registryError {
	header := "Bearer " + token
	c, err := q.signer.verify(header, q.host, q.now())
	switch {
	case err != nil || q.revoked[header]:
		return errRegistryCrash
	case c.Subject != robot:
		return errLogin(q.challenge(""), "Token does not match robot")
	}
	return nil
}

// mayCreate reports whether the identity may make repositories in org; the caller holds mu.
func (i identity) mayCreate(q *Quay, org string) bool {
	if i.oauth != nil {
		return i.oauth.creates(q, org)
	}
	o := q.organizations[org]
	return o != nil && o.mayCreate(i.name)
}

// role is what the identity may do with r, which anybody may read if it is
// public; the caller holds mu.
func (i identity) role(q *Quay, r *repository) Role {
	role := q.organizations[r.org].effective(r, i.name)
	if i.oauth != nil {
		role = i.oauth.repoRole(q, r.name)
	}
	if role == "" && r.public {
		return Read
	}
	return role
}

// context is the identity as a token has it.
func (i identity) context() map[string]any {
	switch {
	case i.oauth != nil:
		return map[string]any{"version": 2, "entity_kind": "oauthtoken", "entity_reference": i.oauth.uuid, "kind": "oauth",
			"oauth": i.oauth.uuid, "user": i.name}
	case i.name != "":
		return map[string]any{"version": 2, "entity_kind": "robot", "entity_reference": i.name, "kind": "user", "user": i.name}
	}
	return map[string]any{}
}
