package quaytest

import (
	"net/http"
	"slices"
)

// userRoutes are quay/quay:endpoints/api/user.py.
var userRoutes = []apiRoute{route("GET", "user/", userAdmin, apiCall.getUser)}

// getUser shows the user of the token with the organizations that the user is in.
func (c apiCall) getUser() (int, any, *apiError) {
	name, list, names := c.token.user.name, []any{}, []string{}
	for org, o := range c.q.organizations {
		if !o.ofUser && (c.token.user.owns(org, o) || o.role(name) != "") {
			names = append(names, org)
		}
	}
	slices.Sort(names)
	for _, org := range names {
		list = append(list, map[string]any{"name": org, "can_create_repo": c.token.creates(c.q, org), "public": false,
			"is_org_admin": c.token.administers(c.q, org), "preferred_namespace": false})
	}
	return http.StatusOK, map[string]any{"anonymous": false, "username": name, "can_create_repo": true, "is_me": true,
		"verified": true, "email": name + "@example.com", "logins": []any{}, "invoice_email": false,
		"invoice_email_address": nil, "preferred_namespace": false, "tag_expiration_s": int(TimeMachine.Seconds()), "prompts": []any{},
		"company": nil, "family_name": nil, "given_name": nil, "location": nil, "is_free_account": true,
		"has_password_set": true, "organizations": list}, nil
}
