package quaytest_test

import (
	"net/http"
	"strings"
	"testing"
)

// Nobody, and whoever has a token that Quay does not know, reads what is public and changes nothing.
func TestAnonymousReads(t *testing.T) {
	q, _ := start(t)
	admin(t, q).do("POST", "/api/v1/repository", `{"namespace":"team-a","repository":"pub","visibility":"public","description":""}`).want(t, 201, "")
	for name, token := range map[string]string{"nobody": "", "an unknown token": strings.Repeat("ZZ", 20), "a robot's token": q.RobotToken("team-a+ci")} {
		t.Log(name)
		c := &client{t: t, q: q, bearer: token}
		talk(t, c, []said{
			{"GET organization/team-a", 200, []string{`"is_admin":false`}},
			{"GET repository?namespace=team-a&public=true", 200, []string{`"name":"pub"`}},
			{"GET repository?namespace=team-a", 200, []string{`"repositories":[]`}},
			{"GET repository/team-a/pub", 200, []string{`"can_write":false`}},
			{"GET repository/team-a/app", 401, []string{"Requires authentication"}},
			{"GET repository/team-a/pub/permissions/user/", 401, []string{"Requires authentication"}},
			{"GET organization/team-a/robots", 401, []string{"Requires authentication"}},
			{"GET user/", 401, []string{"Requires authentication"}},
			{"DELETE organization/team-a/robots/ci", 403, []string{"CSRF"}},
			{"PATCH organization/team-a/robots/ci", 405, []string{"not allowed"}},
		})
	}
}

// Where everybody has to log in, nobody hears more than that, and the registry does not say what is wrong with a credential.
func TestNoAnonymousAccess(t *testing.T) {
	q, token := start(t)
	admin(t, q).do("POST", "/api/v1/repository", `{"namespace":"team-a","repository":"pub","visibility":"public","description":""}`).want(t, 201, "")
	q.SetAnonymousAccess(false)
	const refused = `{"error":"Anonymous access is not allowed"}`
	nobody := &client{t: t, q: q}
	for _, path := range []string{"/api/v1/organization/team-a", "/api/v1/repository?namespace=team-a&public=true", "/api/v1/repository/team-a/pub",
		"/v2/auth?scope=repository:team-a/pub:pull", "/v2/auth", "/v2/_catalog"} {
		nobody.do(http.MethodGet, path, "").want(t, http.StatusUnauthorized, refused)
	}
	askToken(t, q, "team-a+ci", "WRONG").want(t, http.StatusUnauthorized, refused)
	askToken(t, q, "team-a+none", token).want(t, http.StatusUnauthorized, refused)
	nobody.do(http.MethodGet, "/v2/team-a/pub/tags/list", "").want(t, http.StatusUnauthorized, "not authorized")
	nobody.do(http.MethodGet, "/v2/", "").want(t, http.StatusUnauthorized, "true")
	nobody.do(http.MethodGet, "/config", "").want(t, http.StatusOK, `"ANONYMOUS_ACCESS":false`)
	login(t, q, "team-a+ci", token, push).do(http.MethodPost, "/v2/team-a/app/blobs/uploads/", "").want(t, http.StatusAccepted, "")
}

// Anybody pulls from a public repository, and mounts blobs from it.
func TestPublicRepository(t *testing.T) {
	q, _ := start(t)
	admin(t, q).do("POST", "/api/v1/repository", `{"namespace":"team-a","repository":"pub","visibility":"public","description":""}`).want(t, 201, "")
	q.Grant("team-a/pub", "team-a+ci", "write")
	c := pusher(t, q, q.RobotToken("team-a+ci"), "team-a/pub")
	image := c.manifest("team-a/pub", nil, []string{"layer"}, nil)
	c.put("team-a/pub", "v1", ociManifest, image).want(t, http.StatusCreated, "")
	nobody := &client{t: t, q: q}
	nobody.get("team-a/pub", "v1").want(t, http.StatusOK, image)
	nobody.do(http.MethodGet, "/v2/team-a/pub/blobs/"+digest("layer"), "").want(t, http.StatusOK, "layer")
	nobody.do(http.MethodPost, "/v2/team-a/pub/blobs/uploads/", "").want(t, http.StatusUnauthorized, "")
	nobody.do(http.MethodGet, "/v2/_catalog", "").want(t, http.StatusOK, `{"repositories":[]}`)
	stranger := pusher(t, q, q.RobotToken("team-a+ci"), app)
	stranger.do(http.MethodPost, "/v2/team-a/app/blobs/uploads/?mount="+digest("layer")+"&from=team-a/pub", "").want(t, http.StatusCreated, "")
}
