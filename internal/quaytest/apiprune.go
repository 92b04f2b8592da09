package quaytest

import (
	"net/http"
	"slices"
	"strings"
)

// pruneFields are the body of quay/quay:endpoints/api/policy.py.
var pruneFields = []field{{name: "method", kind: "string", required: true}, {name: "value", kind: "integer,string", required: true},
	{name: "tagPattern", kind: "string"}, {name: "tagPatternMatches", kind: "boolean"}}

// pruneRoutes are those of quay/quay:endpoints/api/policy.py about organizations and repositories.
var pruneRoutes = only(func(q *Quay) bool { return q.prunes },
	route("GET", "organization/{}/autoprunepolicy/", orgAdmin, apiCall.listPrunes),
	route("POST", "organization/{}/autoprunepolicy/", orgAdmin, apiCall.postPrune).takes(pruneFields...),
	route("GET", "organization/{}/autoprunepolicy/{}", orgAdmin, apiCall.getPrune),
	route("PUT", "organization/{}/autoprunepolicy/{}", orgAdmin, apiCall.putPrune).takes(pruneFields...),
	route("DELETE", "organization/{}/autoprunepolicy/{}", orgAdmin, apiCall.deletePrune),
	route("GET", "repository/{...}/autoprunepolicy/", repoAdmin, apiCall.listPrunes),
	route("POST", "repository/{...}/autoprunepolicy/", repoAdmin, apiCall.postPrune).takes(pruneFields...),
	route("GET", "repository/{...}/autoprunepolicy/{}", repoAdmin, apiCall.getPrune),
	route("PUT", "repository/{...}/autoprunepolicy/{}", repoAdmin, apiCall.putPrune).takes(pruneFields...),
	route("DELETE", "repository/{...}/autoprunepolicy/{}", repoAdmin, apiCall.deletePrune),
)

// ruleKind is a kind of log entry about a policy of the path.
func (c apiCall) ruleKind(verb string) string {
	if strings.Contains(c.args[0], "/") {
		return verb + "_repository_autoprune_policy"
	}
	return verb + "_namespace_autoprune_policy"
}

func (c apiCall) listPrunes() (int, any, *apiError) {
	_, _, of := c.rules()
	if of == nil {
		return 0, nil, errNotFound
	}
	return http.StatusOK, map[string]any{"policies": append([]AutoPrune{}, of.pruning...)}, nil
}

// readPrune makes a policy of the body.
func (c apiCall) readPrune() (AutoPrune, *apiError) {
	p := AutoPrune{UUID: newID(), Method: c.text("method"), Value: c.body["value"], Matches: true}
	if pattern, ok := c.body["tagPattern"].(string); ok {
		pattern = strings.TrimSpace(pattern)
		p.TagPattern = &pattern
	}
	if matches, ok := c.body["tagPatternMatches"].(bool); ok {
		p.Matches = matches
	}
	if problem := p.problem(); problem != "" {
		return p, errRequest(problem)
	}
	return p, nil
}

func (c apiCall) recordPrune(verb string, p AutoPrune) {
	metadata, org := c.metadata(map[string]any{"method": p.Method, "value": p.Value, "tag_pattern": p.TagPattern, "tag_pattern_matches": p.Matches})
	c.record(c.ruleKind(verb), metadata, org)
}

func (c apiCall) postPrune() (int, any, *apiError) {
	_, repo, of := c.rules()
	if of == nil {
		return 0, nil, errNotFound
	}
	p, err := c.readPrune()
	if err != nil {
		return 0, nil, err
	}
	if slices.ContainsFunc(of.pruning, p.same) {
		place := "namespace"
		if repo != "" {
			place = "repository"
		}
		return 0, nil, errRequest("Existing policy with same values for this " + place + ", duplicate policies are not permitted")
	}
	of.pruning = append(of.pruning, p)
	c.recordPrune("create", p)
	return http.StatusCreated, map[string]any{"uuid": p.UUID}, nil
}

// findPrune finds the policy that the path names last; -1 if there is none.
func (c apiCall) findPrune(of *rules) int {
	if of == nil {
		return -1
	}
	return slices.IndexFunc(of.pruning, func(p AutoPrune) bool { return p.UUID == c.args[1] })
}

func (c apiCall) getPrune() (int, any, *apiError) {
	_, _, of := c.rules()
	i := c.findPrune(of)
	if i < 0 {
		return 0, nil, errNotFound
	}
	return http.StatusOK, of.pruning[i], nil
}

// putPrune looks for the policy before it looks at the new one, and lets two be the same.
func (c apiCall) putPrune() (int, any, *apiError) {
	_, _, of := c.rules()
	i := c.findPrune(of)
	if i < 0 {
		return 0, nil, errNotFound
	}
	p, err := c.readPrune()
	if err != nil {
		return 0, nil, err
	}
	p.UUID = c.args[1]
	of.pruning[i] = p
	c.recordPrune("update", p)
	return http.StatusNoContent, nil, nil
}

func (c apiCall) deletePrune() (int, any, *apiError) {
	_, _, of := c.rules()
	i := c.findPrune(of)
	if i < 0 {
		return 0, nil, errNotFound
	}
	of.pruning = slices.Delete(of.pruning, i, i+1)
	metadata, org := c.metadata(map[string]any{"policy_uuid": c.args[1]})
	c.record(c.ruleKind("delete"), metadata, org)
	return http.StatusOK, map[string]any{"uuid": c.args[1]}, nil
}
