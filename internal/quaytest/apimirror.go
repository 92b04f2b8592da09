package quaytest

import (
	"net/http"
	"strings"
)

// mirrorRoutes are those of quay/quay:endpoints/api/org_mirror.py that ask, from v3.17 on.
var mirrorRoutes = []apiRoute{
	route("GET", "organization/{}/mirror", orgAdmin, apiCall.getMirror),
}

// mirror is the copying of another registry's namespace into an organization.
type mirror struct {
	// robot is the full name of the robot that makes the repositories.
	robot string
}

// SetMirror makes org the mirror of another registry's namespace, with robot, given by its full name, as the one that makes its
// repositories. When that robot is deleted the mirror goes with it: Quay looks for mirrors of repositories alone before
// (quay/quay:data/model/user.py, delete_robot). It panics if either does not exist.
func (q *Quay) SetMirror(org, robot string) {
	q.mu.Lock()
	_, err := q.member(org, robot)
	q.mu.Unlock()
	q.must(err)
	q.must(q.editOrganization(org, func(o *organization) { o.mirror = &mirror{robot} }))
}

// Mirrored reports whether org is such a mirror.
func (q *Quay) Mirrored(org string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.organizations[org] != nil && q.organizations[org].mirror != nil
}

// getMirror shows a mirror as it is made without a filter or a proxy.
func (c apiCall) getMirror() (int, any, *apiError) {
	o := c.q.organizations[c.args[0]]
	if o == nil || o.mirror == nil {
		return 0, nil, errNotFound
	}
	return http.StatusOK, map[string]any{"is_enabled": true, "external_registry_type": "quay", "external_registry_url": "https://quay.example.com",
		"external_namespace": strings.TrimPrefix(c.args[0], "team-"), "external_registry_username": nil, "has_external_registry_password": false,
		"external_registry_config": map[string]any{}, "repository_filters": []any{}, "robot_username": o.mirror.robot, "visibility": "private",
		"sync_interval": 3600, "sync_start_date": nil, "sync_expiration_date": nil, "sync_status": "NEVER_RUN", "sync_retries_remaining": 3,
		"skopeo_timeout": 300, "creation_date": nil}, nil
}
