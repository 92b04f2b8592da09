package quaytest_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/internal/quaytest"
)

// endpoints/v2/__init__.py:290-314, auth/registry_jwt_auth.py:70-88.
func TestBaseChallenges(t *testing.T) {
	q, token := start(t)
	a := (&client{t: t, q: q}).do(http.MethodGet, "/v2/", "")
	a.want(t, http.StatusUnauthorized, "true")
	a.wantHeader(t, "WWW-Authenticate", `Bearer realm="https://`+q.Host()+`/v2/auth",service="`+q.Host()+`"`)
	a.wantHeader(t, "Docker-Distribution-API-Version", "registry/2.0")
	a.wantHeader(t, "X-Sparse-Manifest-Support", "false")
	login(t, q, "team-a+ci", token).do(http.MethodGet, "/v2/", "").want(t, http.StatusOK, "true")
}

// endpoints/v2/v2auth.py:201-473 and its tests: 200 with what the robot has.
func TestTokenHasTheActionsOfTheRobot(t *testing.T) {
	q, _ := start(t)
	q.AddOrganization("team-b")
	q.AddRepository("team-a", "mirror")
	q.AddRepository("team-a", "frozen")
	tokens := map[string]string{}
	for robot, role := range map[string]quaytest.Role{"reader": quaytest.Read, "writer": quaytest.Write, "admin": quaytest.Admin} {
		tokens[robot] = q.AddRobot("team-a", robot)
		for _, repo := range []string{"app", "mirror", "frozen"} {
			q.Grant("team-a/"+repo, "team-a+"+robot, role)
		}
	}
	tokens["nobody"] = q.AddRobot("team-a", "nobody")
	q.SetState("team-a/mirror", quaytest.Mirror)
	q.SetState("team-a/frozen", quaytest.ReadOnly)

	for _, test := range []struct {
		robot, scope string
		want         []string
	}{
		{"reader", "repository:team-a/app:pull,push,*", []string{"pull"}},
		{"writer", "repository:team-a/app:pull,push,*", []string{"push", "pull"}},
		{"writer", "repository:team-a/app:pull", []string{"pull"}},
		{"admin", "repository:team-a/app:*,pull,push", []string{"push", "pull", "*"}},
		{"nobody", "repository:team-a/app:pull,push", []string{}},
		{"writer", "repository:team-b/app:pull,push", []string{}},
		{"writer", "repository:no-such-org/app:pull,push", []string{}},
		{"writer", "repository:team-a/missing:pull,push", []string{}},
		{"writer", "repository:app:pull", []string{}},
		{"admin", "repository:team-a/mirror:pull,push,*", []string{"pull"}},
		{"admin", "repository:team-a/frozen:pull,push,*", []string{"pull"}},
		{"writer", "repository:" + q.Host() + "/team-a/app:push", []string{"push"}},
	} {
		c := login(t, q, "team-a+"+test.robot, tokens[test.robot], test.scope)
		access := c.claims()["access"].([]any)
		var got []string
		for _, action := range access[0].(map[string]any)["actions"].([]any) {
			got = append(got, action.(string))
		}
		if diff := cmp.Diff(strings.Join(test.want, ","), strings.Join(got, ",")); diff != "" {
			t.Errorf("%s asking for %s (-want +got):\n%s", test.robot, test.scope, diff)
		}
	}
	c := login(t, q, "team-a+writer", tokens["writer"], "repository:"+q.Host()+"/team-a/app:push")
	c.do(http.MethodPost, "/v2/team-a/app/blobs/uploads/", "").want(t, http.StatusUnauthorized, "UNAUTHORIZED")
	if q.HasRepository("team-a/missing") {
		t.Error("a robot that may not create made a repository")
	}
}

// claims decodes the client's token without checking it, as a push does.
func (c *client) claims() map[string]any {
	c.t.Helper()
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(c.bearer, ".")[1])
	if err != nil {
		c.t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil {
		c.t.Fatal(err)
	}
	return claims
}

func TestTokenLivesOneHour(t *testing.T) {
	q, token := start(t)
	c := pusher(t, q, token, "team-a/app")
	claims := c.claims()
	if got := claims["exp"].(float64) - claims["iat"].(float64); got != 3600 {
		t.Errorf("token lives %v s, want 3600", got)
	}
	if claims["sub"] != "team-a+ci" || claims["aud"] != q.Host() || claims["iss"] != "quay" {
		t.Errorf("claims are %v", claims)
	}
	// Within the leeway of 30 s it is still good (util/security/registry_jwt.py).
	q.Advance(quaytest.TokenLifetime + 25*time.Second)
	c.do(http.MethodPost, "/v2/team-a/app/blobs/uploads/", "").want(t, http.StatusAccepted, "")
	q.Advance(10 * time.Second)
	a := c.do(http.MethodPost, "/v2/team-a/app/blobs/uploads/", "")
	a.want(t, http.StatusUnauthorized, `{"error":"Signature has expired"}`)
	if got := a.header.Get("WWW-Authenticate"); !strings.HasSuffix(got, `,scope="repository:team-a/app:pull,push"`) {
		t.Errorf("challenge is %q", got)
	}
}

// auth/test/test_credentials.py:43-61, data/model/user.py:473-478, 560-567.
func TestLoginErrorsSayWhatIsWrong(t *testing.T) {
	q, token := start(t)
	for _, test := range []struct{ robot, token, want string }{
		{"team-a+ci", strings.Repeat("A", 64), "Could not find robot with username: team-a+ci and supplied password."},
		{"team-a+gone", token, "Could not find robot with specified username"},
		{"team-b+ci", token, "Could not find robot with specified username"},
		{"someone", token, "Invalid Username or Password"},
	} {
		a := askToken(t, q, test.robot, test.token, "repository:team-a/app:pull")
		a.want(t, http.StatusUnauthorized, `{"errors":[{"code":"UNAUTHORIZED","detail":{},"message":"`+test.want+`"}]}`)
		if got := a.header.Get("WWW-Authenticate"); strings.Contains(got, "scope=") || got == "" {
			t.Errorf("challenge is %q, want one without a scope", got)
		}
	}
	c := &client{t: t, q: q}
	c.do(http.MethodGet, "/v2/auth", "", "Authorization", "Basic !").want(t, 401, "Specified credentials are invalid")
	c.do(http.MethodGet, "/v2/auth", "").want(t, 401, "access to the requested resource is not authorized")
	c.do(http.MethodPost, "/v2/auth", "").want(t, http.StatusMethodNotAllowed, "")
	askToken(t, q, "", "", "repository:team-a/app:pull,push").want(t, http.StatusOK, "token")
}

// endpoints/v2/v2auth.py:60.
func TestScopesThatQuayDoesNotRead(t *testing.T) {
	q, token := start(t)
	for _, scope := range []string{
		"repository:team-a/app:pull,delete",
		"repository:team-a/app:pull repository:team-a/other:pull",
		"registry:catalog:*",
		"team-a/app",
	} {
		askToken(t, q, "team-a+ci", token, scope).want(t, http.StatusBadRequest, "Unable to decode repository and actions: "+scope)
	}
	askToken(t, q, "team-a+ci", token, "repository:team-a/App:pull").want(t, http.StatusBadRequest, "NAME_INVALID")
	askToken(t, q, "team-a+ci", token, "").want(t, http.StatusOK, "token")
}

// endpoints/v2/v2auth.py:353-413, data/model/repository.py:165-169.
func TestTokenRequestCreatesTheRepository(t *testing.T) {
	q, token := start(t)
	other := q.AddRobot("team-a", "other")
	q.SetCreator("team-a", "team-a+ci")
	q.SetDefaultPermission("team-a", "team-a+other", quaytest.Read)
	askToken(t, q, "team-a+ci", token, "repository:team-a/new/api:pull").want(t, http.StatusOK, "")
	if q.HasRepository("team-a/new/api") {
		t.Error("asking to pull made a repository")
	}
	c := login(t, q, "team-a+ci", token, "repository:team-a/new/api:pull,push,*")
	if !q.HasRepository("team-a/new/api") {
		t.Fatal("asking to push made no repository")
	}
	c.blob("team-a/new/api", "content")
	if got := encode(t, c.claims()["access"]); !strings.Contains(got, `["push","pull","*"]`) {
		t.Errorf("creator has %s, want admin", got)
	}
	c = login(t, q, "team-a+other", other, "repository:team-a/new/api:pull,push")
	if got := encode(t, c.claims()["access"]); !strings.Contains(got, `["pull"]`) {
		t.Errorf("robot with default permission read has %s", got)
	}
}

// data/model/user.py:573-597, endpoints/v2/__init__.py:182-272: the robot's
// token is cut at once, what it bought lives on.
func TestRegenerateAndRevokeLeaveIssuedTokens(t *testing.T) {
	q, old := start(t)
	c := pusher(t, q, old, "team-a/app")
	fresh := q.RegenerateRobot("team-a+ci")
	if fresh == old {
		t.Fatal("the token did not change")
	}
	askToken(t, q, "team-a+ci", old).want(t, http.StatusUnauthorized, "supplied password.")
	askToken(t, q, "team-a+ci", fresh).want(t, http.StatusOK, "token")
	q.Revoke("team-a/app", "team-a+ci")
	c.blob("team-a/app", "still allowed")
	c = pusher(t, q, fresh, "team-a/app")
	c.do(http.MethodPost, "/v2/team-a/app/blobs/uploads/", "").
		want(t, http.StatusUnauthorized, "access to the requested resource is not authorized")
	q.DeleteRobot("team-a+ci")
	askToken(t, q, "team-a+ci", fresh).want(t, http.StatusUnauthorized, "Could not find robot with specified username")
}

// endpoints/v2/errors.py:170-179; util/security/registry_jwt.py:45-47, 103-116.
func TestDataPathDecidesByTheTokenAlone(t *testing.T) {
	q, token := start(t)
	q.AddRepository("team-a", "other")
	q.Grant("team-a/other", "team-a+ci", quaytest.Write)
	const denied = `{"errors":[{"code":"UNAUTHORIZED","detail":{},"message":"access to the requested resource is not authorized"}]}`
	reader := login(t, q, "team-a+ci", token, "repository:team-a/app:pull")
	writer := pusher(t, q, token, "team-a/app")
	anonymous := &client{t: t, q: q}
	uploads := "/v2/team-a/app/blobs/uploads/"
	reader.do(http.MethodPost, uploads, "").want(t, http.StatusUnauthorized, denied)
	anonymous.do(http.MethodPost, uploads, "").want(t, http.StatusUnauthorized, denied)
	writer.do(http.MethodPost, "/v2/team-a/other/blobs/uploads/", "").want(t, http.StatusUnauthorized, denied)
	writer.do(http.MethodPost, uploads, "").want(t, http.StatusAccepted, "")
	writer.do(http.MethodGet, "/v2/team-a/app/tags/list", "").want(t, http.StatusOK, "[]")

	anonymous.do(http.MethodGet, "/v2/team-a/app/tags/list", "", "Authorization", "Basic abc").
		want(t, http.StatusUnauthorized, `{"error":"Invalid bearer token format"}`)
	parts := strings.Split(writer.bearer, ".")
	forged := &client{t: t, q: q, bearer: parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte("{}")) + "." + parts[2]}
	forged.do(http.MethodPost, uploads, "").want(t, http.StatusUnauthorized, "Signature verification failed")
	other, otherToken := start(t)
	foreign := &client{t: t, q: q, bearer: pusher(t, other, otherToken, "team-a/app").bearer}
	foreign.do(http.MethodPost, uploads, "").want(t, http.StatusUnauthorized, "Audience doesn't match")
}
