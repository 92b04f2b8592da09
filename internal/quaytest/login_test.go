package quaytest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/internal/quaytest"
)

const push = "repository:team-a/app:pull,push"

// buy asks for the right to push with a bearer token for a password.
func buy(t *testing.T, q *quaytest.Quay, password string) answer {
	t.Helper()
	return askToken(t, q, "team-a+ci", password, push)
}

// A bearer token is as good as the robot's password, whatever it was issued for and whatever became of the password since:
// data/model/user.py, verify_robot.
func TestBearerIsAPassword(t *testing.T) {
	q, token := start(t)
	c := login(t, q, "team-a+ci", token)
	for _, renew := range []func(){
		func() {},
		func() { q.RegenerateRobot("team-a+ci") },
		func() {
			q.DeleteRobot("team-a+ci")
			q.AddRobot("team-a", "ci")
			q.Grant("team-a/app", "team-a+ci", quaytest.Write)
		},
	} {
		renew()
		q.Advance(50 * time.Minute)
		c = login(t, q, "team-a+ci", c.bearer, push)
		c.do(http.MethodPost, "/v2/team-a/app/blobs/uploads/", "").want(t, http.StatusAccepted, "")
	}
	askToken(t, q, "team-a+ci", token, push).want(t, http.StatusUnauthorized, "and supplied password")
}

// It ends with the right, with the robot, and with the time of the last token that was bought.
func TestBearerAsAPasswordEnds(t *testing.T) {
	q, token := start(t)
	q.Freeze()
	c := login(t, q, "team-a+ci", token)
	q.Revoke("team-a/app", "team-a+ci")
	login(t, q, "team-a+ci", c.bearer, push).do(http.MethodPost, "/v2/team-a/app/blobs/uploads/", "").want(t, http.StatusUnauthorized, "")
	q.Grant("team-a/app", "team-a+ci", quaytest.Write)
	q.DeleteRobot("team-a+ci")
	buy(t, q, c.bearer).want(t, http.StatusUnauthorized, "Could not find robot with specified username")
	q.AddRobot("team-a", "ci")
	q.Advance(3629 * time.Second)
	buy(t, q, c.bearer).want(t, http.StatusOK, "token")
	// Nobody catches what is wrong with it.
	q.Advance(time.Second)
	buy(t, q, c.bearer).want(t, http.StatusInternalServerError, "Internal Server Error")
}

// It is good for its own robot, where it was issued for this registry, and where the setting is on.
func TestBearerIsNobodyElsesPassword(t *testing.T) {
	q, token := start(t)
	c := login(t, q, "team-a+ci", token)
	q.AddRobot("team-a", "other")
	askToken(t, q, "team-a+other", c.bearer).want(t, http.StatusUnauthorized, "Token does not match robot")
	elsewhere := &client{t: t, q: q, bearer: ""}
	header := []string{"Authorization", basic("team-a+ci", token)}
	foreign := bearerOf(t, elsewhere.do(http.MethodGet, "/v2/auth?service=elsewhere", "", header...))
	buy(t, q, foreign).want(t, http.StatusInternalServerError, "")
	buy(t, q, "a.b.c").want(t, http.StatusUnauthorized, "and supplied password")
	buy(t, q, c.bearer+"x").want(t, http.StatusInternalServerError, "")
	q.SetBearerLogin(false)
	buy(t, q, c.bearer).want(t, http.StatusUnauthorized, "and supplied password")
	q.SetBearerLogin(true)
	buy(t, q, c.bearer).want(t, http.StatusOK, "token")
}

// An OAuth token is a password, too, and does what its user and its scopes allow.
func TestOAuthTokenLogsIn(t *testing.T) {
	q, _ := start(t)
	const name = "$oauthtoken"
	for scope, status := range map[quaytest.Scope]int{quaytest.RepoAdmin: 202, quaytest.RepoRead: 401, quaytest.OrgAdmin: 401} {
		c := login(t, q, name, q.AddOAuthToken([]quaytest.Scope{scope}), push)
		if got := c.do(http.MethodPost, "/v2/team-a/app/blobs/uploads/", ""); got.status != status {
			t.Errorf("%s: a push begins with %d, want %d", scope, got.status, status)
		}
	}
	askToken(t, q, name, "ZZ").want(t, http.StatusUnauthorized, "could not be validated")
}

// A login that asks for nothing leaves an entry in the log; one that asks for a right does not.
func TestLoginIsLogged(t *testing.T) {
	q, token := start(t)
	login(t, q, "team-a+ci", token, push)
	admin := admin(t, q)
	admin.do(http.MethodGet, "/api/v1/organization/team-a/logs", "").want(t, http.StatusOK, `"logs":[]`)
	login(t, q, "team-a+ci", token)
	admin.do(http.MethodGet, "/api/v1/organization/team-a/logs", "").want(t, http.StatusOK, `"kind":"login_success"`)
}
