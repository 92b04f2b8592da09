package quay

import (
	"errors"
	"net/http"
	"regexp"
)

// The scopes of an OAuth token (quay/quay auth/scopes.py).
const (
	scopeOrganization = "org:admin"
	scopeRepository   = "repo:admin"
	scopeUser         = "user:admin"
)

// needs is the scope that the OAuth token needs for a call of the management API.
func (r call) needs() string {
	switch first, makes := r.path[0], len(r.path) == 1 && r.method == http.MethodPost; {
	case first == "organization" && makes:
		return scopeUser
	case first == "organization" && len(r.path) > 2, first == "repository" && makes:
		return scopeOrganization
	case first == "repository" && len(r.path) > 1:
		return scopeRepository
	}
	return ""
}

// statusDownstream is what Quay answers where something that it asks itself failed (quay/quay endpoints/exception.py).
const statusDownstream = 520

const nextProxy = "see whether Quay runs behind its proxy, then run it again"

// ofPrototypes is the path of an organization's default permissions.
var ofPrototypes = regexp.MustCompile(`^/api/v1/organization/[^/]+/prototypes(/|$)`)

// Next is what a person does next after err, by what Quay answered; empty where that does not tell.
func Next(err error) string {
	e := (*Error)(nil)
	if IsBlocked(err) {
		return "see what answers in front of Quay, such as a proxy, a firewall or a login: it has to let this request through to Quay, at the address given as Quay's; it is not about the rights of a token"
	} else if !errors.As(err, &e) {
		return ""
	}
	switch {
	case IsForbidden(err) && e.Scope == scopeUser:
		return "use an OAuth token with the scope user:admin; where Quay lets only superusers create organizations, ask one of them"
	case IsForbidden(err) && e.Scope != "":
		return "use an OAuth token with the scope " + e.Scope + ", of an owner of the organization"
	case e.readOnly:
		return "wait until Quay takes changes again: it is read-only now"
	case ofPrototypes.MatchString(e.Path) && (e.Status == http.StatusBadRequest || e.Status == http.StatusNotFound):
		return "see in Quay whether the organization, its robots and its default permissions are still there, then run it again: somebody else may have changed them meanwhile"
	case e.Status >= 520 && !e.own:
		return nextProxy
	}
	switch e.Status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return "use the address that Quay answers at itself: the OAuth token follows no redirect"
	case http.StatusTooManyRequests:
		return "wait a minute, then run it again: Quay or its proxy limits the requests"
	case http.StatusNotImplemented:
		return "look for it where Quay writes its log (LOGS_MODEL in its configuration): its API does not read from there"
	case http.StatusInternalServerError:
		return "see what Quay's own log says of this request"
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return nextProxy
	case statusDownstream:
		return "see in Quay's own log what it did not get an answer from, such as its identity provider or where it keeps its logs, then run it again"
	}
	return ""
}
