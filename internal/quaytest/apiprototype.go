package quaytest

import (
	"maps"
	"net/http"
	"slices"
)

// prototypeRoutes are quay/quay:endpoints/api/prototype.py.
var prototypeRoutes = []apiRoute{
	route("GET", "organization/{}/prototypes", orgAdmin, apiCall.listPrototypes),
	route("POST", "organization/{}/prototypes", orgAdmin, apiCall.postPrototype).takes(roleField,
		field{name: "activating_user", kind: "object", fields: []field{{name: "name", kind: "string", required: true}}},
		field{name: "delegate", kind: "object", required: true, fields: []field{{name: "name", kind: "string", required: true},
			{name: "kind", kind: "string", required: true, enum: []string{"user", "team"}}}}),
	route("DELETE", "organization/{}/prototypes/{}", orgAdmin, apiCall.deletePrototype),
	route("PUT", "organization/{}/prototypes/{}", orgAdmin, apiCall.putPrototype).takes(roleField),
}

// prototypeView is a prototype as an answer shows it.
func (c apiCall) prototypeView(p *prototype) map[string]any {
	v := map[string]any{"id": p.id, "role": p.role, "activating_user": nil, "delegate": map[string]any{"name": p.delegate, "kind": p.kind}}
	if p.kind == "user" {
		v["delegate"] = c.personView(p.delegate)
	}
	if p.activating != "" {
		v["activating_user"] = c.personView(p.activating)
	}
	return v
}

// personView is a robot or a user as a prototype shows it.
func (c apiCall) personView(name string) map[string]any {
	return map[string]any{"name": name, "kind": "user", "is_robot": isRobot(name), "is_org_member": c.q.isMember(c.args[0], name)}
}

// recordPrototype logs what was done to a prototype.
func (c apiCall) recordPrototype(kind string, p *prototype, more map[string]any) {
	metadata := map[string]any{"prototypeid": p.id, "username": c.token.user.name, "activating_username": nil, "role": p.role,
		"delegate_" + p.kind: p.delegate}
	if p.activating != "" {
		metadata["activating_username"] = p.activating
	}
	maps.Copy(metadata, more)
	c.record(kind, metadata)
}

func (c apiCall) listPrototypes() (int, any, *apiError) {
	list := []any{}
	for _, p := range c.q.organizations[c.args[0]].prototypes {
		list = append(list, c.prototypeView(p))
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
	case kind == "team" && o.teams[name] == nil:
		return 0, nil, errModel("('Team does not exist: %s/%s', '" + c.args[0] + "', '" + name + "')")
	case activating != "" && !c.q.exists(activating):
		return 0, nil, errRequest("Unknown activating user")
	case kind == "user" && !c.q.exists(name):
		return 0, nil, errRequest("Missing delegate user or team")
	}
	p := &prototype{id: newID(), role: role, kind: kind, delegate: name, activating: activating}
	o.prototypes = append(o.prototypes, p)
	c.recordPrototype("create_prototype_permission", p, nil)
	return http.StatusOK, c.prototypeView(p), nil
}

func (c apiCall) putPrototype() (int, any, *apiError) {
	o, role := c.q.organizations[c.args[0]], Role(c.text("role"))
	i := slices.IndexFunc(o.prototypes, func(p *prototype) bool { return p.id == c.args[1] })
	if i < 0 {
		return 0, nil, errNotFound
	}
	p := o.prototypes[i]
	was := p.role
	p.role = role
	c.recordPrototype("modify_prototype_permission", p, map[string]any{"original_role": was})
	return http.StatusOK, c.prototypeView(p), nil
}

func (c apiCall) deletePrototype() (int, any, *apiError) {
	o := c.q.organizations[c.args[0]]
	i := slices.IndexFunc(o.prototypes, func(p *prototype) bool { return p.id == c.args[1] })
	if i < 0 {
		return 0, nil, errNotFound
	}
	p := o.prototypes[i]
	o.prototypes = slices.Delete(o.prototypes, i, i+1)
	c.recordPrototype("delete_prototype_permission", p, nil)
	return http.StatusNoContent, nil, nil
}
