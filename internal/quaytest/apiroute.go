package quaytest

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// apiRoute is one method of one kind of path.
type apiRoute struct {
	method string
	// path is the path as the discovery shows it.
	path    string
	pattern *regexp.Regexp
	need    need
	// fields are those of the JSON body; optional lets it be missing or broken.
	// A list has them in each of its objects.
	fields         []field
	optional, list bool
	// normal refuses a repository that is in another state than the normal one.
	normal bool
	// basic lets robots in, with Basic.
	basic bool
	// when says whether Quay has the route; nil is always. It is called with mu held.
	when  func(*Quay) bool
	serve func(apiCall) (status int, body any, err *apiError)
}

// need is a right that a call takes. A late one is looked at after the body.
type need struct {
	late bool
	has  func(apiCall) bool
}

// The rights. Those in an organization and in a repository are about the one
// that the path names first.
var (
	anybody   = need{has: func(apiCall) bool { return true }}
	userAdmin = need{has: func(c apiCall) bool { return c.token.has(UserAdmin) }}
	orgAdmin  = need{late: true, has: func(c apiCall) bool { return c.token.administers(c.q, c.args[0]) }}
	orgMember = need{late: true, has: func(c apiCall) bool { return c.token.orgRole(c.q, c.args[0]) != "" }}
	repoAdmin = need{has: func(c apiCall) bool { return c.token.repoRole(c.q, c.args[0]).includes(Admin) }}
	repoWrite = need{has: func(c apiCall) bool { return c.token.repoRole(c.q, c.args[0]).includes(Write) }}
	repoRead  = need{has: func(c apiCall) bool {
		r := c.q.repositories[c.args[0]]
		return r != nil && r.public || c.token.repoRole(c.q, c.args[0]).includes(Read)
	}}
)

// route makes an apiRoute. In path {} is one element, {digest} one that is a
// digest, and {...} is a repository: two elements or more.
func route(method, path string, need need, serve func(apiCall) (int, any, *apiError)) apiRoute {
	pattern := strings.ReplaceAll(strings.ReplaceAll(path, "{...}", "([^/]+/.*[^/])"), "{}", "([^/]+)")
	pattern = strings.ReplaceAll(pattern, "{digest}", `([A-Za-z0-9_+.-]+:[A-Fa-f0-9]+)`)
	return apiRoute{method: method, path: apiPrefix + strings.ReplaceAll(path, "{...}", "{repository}"),
		pattern: regexp.MustCompile("^" + apiPrefix + pattern + "$"), need: need, serve: serve}
}

// takes is the route with a JSON body.
func (r apiRoute) takes(fields ...field) apiRoute {
	r.fields = fields
	return r
}

// takesList is the route with a JSON body that is a list of objects.
func (r apiRoute) takesList(fields ...field) apiRoute {
	r.list = true
	return r.takes(fields...)
}

// mayTake is the route with a JSON body that may be missing or broken.
func (r apiRoute) mayTake(fields ...field) apiRoute {
	r.optional = true
	return r.takes(fields...)
}

// ofNormal is the route where it takes only a repository in its normal state.
func (r apiRoute) ofNormal() apiRoute {
	r.normal = true
	return r
}

// withBasic is the route for a robot with its own credential, too.
func (r apiRoute) withBasic() apiRoute {
	r.basic = true
	return r
}

// only is the routes in a Quay that has a feature.
func only(when func(*Quay) bool, routes ...apiRoute) []apiRoute {
	for i := range routes {
		routes[i].when = when
	}
	return routes
}

// apiRoutes are tried in order: the longer path of two that match comes first.
var apiRoutes = [][]apiRoute{securityRoutes, quotaRoutes, immutabilityRoutes, pruneRoutes, tagChangeRoutes, federationRoutes, robotRoutes, applicationRoutes, prototypeRoutes, teamRoutes, mirrorRoutes, organizationRoutes, permissionRoutes, tagRoutes, manifestDataRoutes, logRoutes,
	repositoryRoutes, userRoutes}

// findRoute finds the route of a method of path; methods are those that the path
// has in any way: one that is a tag's is a repository's, too.
func (q *Quay) findRoute(method, path string) (found *apiRoute, args, methods []string) {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, routes := range apiRoutes {
		for i := range routes {
			match := routes[i].pattern.FindStringSubmatch(path)
			if match == nil || !routes[i].in(q) {
				continue
			}
			if !slices.Contains(methods, routes[i].method) {
				methods = append(methods, routes[i].method)
			}
			if found == nil && routes[i].method == method {
				found, args = &routes[i], match[1:]
			}
		}
	}
	return found, args, methods
}

// locked is the repository of the path if its state forbids the call; nil if
// nothing does. The caller holds mu.
func (r apiRoute) locked(q *Quay, args []string) *repository {
	if !r.normal || q.repositories[args[0]] == nil || q.repositories[args[0]].state == Normal {
		return nil
	}
	return q.repositories[args[0]]
}

// in reports whether q has the route; the caller holds mu.
func (r apiRoute) in(q *Quay) bool { return r.when == nil || r.when(q) }

// allow is the header that names methods and those that Quay adds.
func allow(methods []string) string {
	all := slices.Clone(methods)
	if slices.Contains(all, http.MethodGet) && !slices.Contains(all, http.MethodHead) {
		all = append(all, http.MethodHead)
	}
	return strings.Join(append(all, http.MethodOptions), ", ")
}
