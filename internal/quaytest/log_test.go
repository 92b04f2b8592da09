package quaytest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// logOf reads the kinds in the log of team-a and how many entries each page has.
func logOf(t *testing.T, c *client, query string) (kinds []string, pages []int) {
	t.Helper()
	for next := ""; len(pages) < 20; {
		var page struct {
			Logs []struct{ Kind string }
			Next *string `json:"next_page"`
		}
		a := c.do(http.MethodGet, "/api/v1/organization/team-a/logs?"+query+"&next_page="+next, "")
		if err := json.Unmarshal([]byte(a.body), &page); err != nil || a.status != http.StatusOK {
			t.Fatalf("answer is %d %s, %v", a.status, a.body, err)
		}
		for _, e := range page.Logs {
			kinds = append(kinds, e.Kind)
		}
		if pages = append(pages, len(page.Logs)); page.Next == nil {
			return kinds, pages
		}
		next = *page.Next
	}
	t.Fatal("the log has no end")
	return nil, nil
}

// What is read of a manifest is logged as well as what is pushed to a tag, twenty to a page, and the last page with entries
// is not the last.
func TestLogPages(t *testing.T) {
	q, token := start(t)
	c, reader := pusher(t, q, token, app), admin(t, q)
	image := c.manifest(app, nil, nil, nil)
	if _, pages := logOf(t, reader, ""); !slices.Equal(pages, []int{0}) {
		t.Errorf("pages of an empty log have %v entries", pages)
	}
	for i := range 10 {
		c.put(app, fmt.Sprint("v", i), ociManifest, image).want(t, http.StatusCreated, "")
		c.get(app, fmt.Sprint("v", i)).want(t, http.StatusOK, "")
	}
	if _, pages := logOf(t, reader, ""); !slices.Equal(pages, []int{20, 0}) {
		t.Errorf("pages of 20 entries have %v", pages)
	}
	c.get(app, digest(image)).want(t, http.StatusOK, "")
	c.do(http.MethodDelete, "/v2/team-a/app/manifests/v1", "").want(t, http.StatusAccepted, "")
	kinds, pages := logOf(t, reader, "performer=team-a%2Bci")
	if !slices.Equal(kinds[:4], []string{"delete_tag", "pull_repo", "pull_repo", "push_repo"}) || !slices.Equal(pages, []int{20, 2, 0}) {
		t.Errorf("kinds are %q, pages have %v", kinds, pages)
	}
}

// Each thing that the management API does has a kind of its own.
func TestLogKinds(t *testing.T) {
	q, _ := start(t)
	c := admin(t, q)
	for _, request := range []string{`PUT organization/team-a/robots/xy`, `POST organization/team-a/robots/xy/regenerate`,
		`PUT organization/team-a/team/t1 {"role":"member"}`, `PUT organization/team-a/team/t1 {"role":"creator","description":"d"}`,
		`PUT organization/team-a/team/t1/members/team-a+xy`, `DELETE organization/team-a/team/t1/members/team-a+xy`, `DELETE organization/team-a/team/t1`,
		`PUT repository/team-a/app/permissions/user/team-a+xy {"role":"read"}`, `DELETE repository/team-a/app/permissions/user/team-a+xy`,
		`POST repository {"namespace":"team-a","repository":"new","visibility":"private","description":""}`, `DELETE organization/team-a/robots/xy`} {
		method, rest, _ := strings.Cut(request, " ")
		path, body, _ := strings.Cut(rest, " ")
		if a := c.do(method, "/api/v1/"+path, body); a.status >= 300 {
			t.Errorf("%s: %d %s", request, a.status, a.body)
		}
	}
	kinds, _ := logOf(t, c, "performer=platform")
	want := []string{"delete_robot", "create_repo", "delete_repo_permission", "change_repo_permission", "org_delete_team", "org_remove_team_member",
		"org_add_team_member", "org_set_team_role", "org_set_team_description", "org_create_team", "regenerate_robot_token", "create_robot"}
	if !slices.Equal(kinds, want) {
		t.Errorf("kinds are %q, want %q", kinds, want)
	}
}

// A robot that was deleted is nobody in the log, also when there is a new one of that name; and what its token still does
// fails where the log comes to it: after the tag was set.
func TestDeletedRobot(t *testing.T) {
	q, token := start(t)
	c, reader := pusher(t, q, token, app), admin(t, q)
	image := c.manifest(app, nil, []string{"layer"}, nil)
	c.put(app, "v1", ociManifest, image).want(t, http.StatusCreated, "")
	q.DeleteRobot("team-a+ci")
	for _, nobody := range []string{"team-a%2Bci", "team-a%2Bnone", "nosuch", "team-a"} {
		reader.do(http.MethodGet, "/api/v1/organization/team-a/logs?performer="+nobody, "").want(t, http.StatusInternalServerError, "Internal Server Error")
	}
	const gone = `{"message":"Could not find robot with specified username"}`
	c.put(app, "v2", ociManifest, image).want(t, http.StatusBadRequest, gone)
	if q.Tags(app)["v2"] != digest(image) {
		t.Errorf("tags are %v", q.Tags(app))
	}
	c.put(app, "", ociManifest, image).want(t, http.StatusCreated, "")
	c.get(app, "v1").want(t, http.StatusBadRequest, gone)
	c.get(app, "none").want(t, http.StatusNotFound, "")
	c.do(http.MethodGet, "/v2/team-a/app/blobs/"+digest("layer"), "").want(t, http.StatusBadRequest, gone)
	c.do(http.MethodHead, "/v2/team-a/app/blobs/"+digest("layer"), "").want(t, http.StatusOK, "")
	c.do(http.MethodDelete, "/v2/team-a/app/manifests/v1", "").want(t, http.StatusBadRequest, gone)
	c.do(http.MethodGet, "/v2/_catalog", "").want(t, http.StatusBadRequest, gone)
	c.blob(app, "another layer")
	q.AddRobot("team-a", "ci")
	if kinds, _ := logOf(t, reader, "performer=team-a%2Bci"); len(kinds) > 0 {
		t.Errorf("the new robot did %q", kinds)
	}
	c.put(app, "v3", ociManifest, image).want(t, http.StatusCreated, "")
}
