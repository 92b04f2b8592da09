package quaytest

import (
	"net/http"
	"slices"
	"strings"
)

// prototypeRoutes are quay/quay:endpoints/api/prototype.py.
var prototypeRoutes = []apiRoute{
	route("GET", "organization/{}/prototypes", OrgAdmin, apiCall.listPrototypes),
	route("POST", "organization/{}/prototypes", OrgAdmin, apiCall.postPrototype),
	route("PUT", "organization/{}/prototypes/{}", OrgAdmin, apiCall.putPrototype),
	route("DELETE", "organization/{}/prototypes/{}", OrgAdmin, apiCall.deletePrototype),
}

func (p *prototype) view() map[string]any {
	v := map[string]any{"id": p.id, "role": p.role, "activating_user": nil, "delegate": map[string]any{
		"name": p.delegate, "kind": p.kind, "is_robot": strings.Contains(p.delegate, "+"), "is_org_member": true}}
	if p.activating != "" {
		v["activating_user"] = map[string]any{"name": p.activating, "is_robot": strings.Contains(p.activating, "+")}
	}
	return v
}

func (c apiCall) listPrototypes() (int, any, *apiError) {
	list := []any{}
	for _, p := range c.q.organizations[c.args[0]].prototypes {
		list = append(list, p.view())
	}
	return http.StatusOK, map[string]any{"prototypes": list}, nil
}

// postPrototype makes another one each time that it is asked.
func (c apiCall) postPrototype() (int, any, *apiError) {
	o, role, delegate := c.q.organizations[c.args[0]], Role(c.text("role")), c.object("delegate")
	kind, _ := delegate["kind"].(string)
	name, _ := delegate["name"].(string)
	activating, _ := c.object("activating_user")["name"].(string)
	switch {
	case !role.valid():
		return 0, nil, errRequest("'" + string(role) + "' is not one of ['read', 'write', 'admin']")
	case activating != "" && c.q.robots[activating] == nil:
		return 0, nil, errRequest("Unknown activating user")
	case kind == "user" && c.q.robots[name] == nil, kind == "team" && o.teams[name] == nil, kind != "user" && kind != "team":
		return 0, nil, errRequest("Missing delegate user or team")
	}
	p := &prototype{id: newID(), role: role, kind: kind, delegate: name, activating: activating}
	o.prototypes = append(o.prototypes, p)
	return http.StatusOK, p.view(), nil
}

func (c apiCall) putPrototype() (int, any, *apiError) {
	o, role := c.q.organizations[c.args[0]], Role(c.text("role"))
	i := slices.IndexFunc(o.prototypes, func(p *prototype) bool { return p.id == c.args[1] })
	switch {
	case i < 0:
		return 0, nil, errNotFound
	case !role.valid():
		return 0, nil, errRequest("'" + string(role) + "' is not one of ['read', 'write', 'admin']")
	}
	o.prototypes[i].role = role
	return http.StatusOK, o.prototypes[i].view(), nil
}

func (c apiCall) deletePrototype() (int, any, *apiError) {
	o := c.q.organizations[c.args[0]]
	i := slices.IndexFunc(o.prototypes, func(p *prototype) bool { return p.id == c.args[1] })
	if i < 0 {
		return 0, nil, errNotFound
	}
	o.prototypes = slices.Delete(o.prototypes, i, i+1)
	return http.StatusNoContent, nil, nil
}
