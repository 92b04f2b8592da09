package quay_test

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/secret"
)

func TestRobots(t *testing.T) {
	q, c := start(t)
	var old, young secret.Value
	robot := func(r quay.Robot, err error) (any, error) {
		if err == nil && (len(r.Token.Reveal()) != 64 || r.Created.IsZero()) {
			err = fmt.Errorf("robot %v has no token or no date", r)
		}
		return []string{r.Name, r.Description}, err
	}
	play(t, q, c, []exchange{
		{func(ctx context.Context, c *quay.Client) (any, error) {
			return robot(c.CreateRobot(ctx, "team-a+ci-b", "made"))
		},
			[]string{"team-a+ci-b", "made"}, []string{`PUT /api/v1/organization/team-a/robots/ci-b {"description":"made"}`}},
		{func(ctx context.Context, c *quay.Client) (any, error) {
			r, err := c.Robot(ctx, "team-a+ci-b")
			old = r.Token
			return robot(r, err)
		}, []string{"team-a+ci-b", "made"}, []string{"GET /api/v1/organization/team-a/robots/ci-b"}},
		{func(ctx context.Context, c *quay.Client) (any, error) {
			r, err := c.RegenerateRobot(ctx, "team-a+ci-b")
			young = r.Token
			return robot(r, err)
		}, []string{"team-a+ci-b", "made"}, []string{"POST /api/v1/organization/team-a/robots/ci-b/regenerate"}},
		{only(func(ctx context.Context, c *quay.Client) error { return c.DeleteRobot(ctx, "team-a+ci-b") }),
			nil, []string{"DELETE /api/v1/organization/team-a/robots/ci-b"}},
	})
	if old.Equal(young) {
		t.Error("the token was not replaced")
	}
}

func TestPermissions(t *testing.T) {
	q, c := start(t)
	const path = "/api/v1/repository/team-a/app/permissions/user/"
	role := func(f func(*quay.Client, context.Context, string, string) (quay.Role, error)) func(context.Context, *quay.Client) (any, error) {
		return func(ctx context.Context, c *quay.Client) (any, error) { return f(c, ctx, "team-a/app", "team-a+ci") }
	}
	play(t, q, c, []exchange{
		{role((*quay.Client).EffectivePermission), quay.Role(""), []string{"GET " + path + "team-a+ci/transitive"}},
		{only(func(ctx context.Context, c *quay.Client) error {
			return c.SetPermission(ctx, "team-a/app", "team-a+ci", quay.Write)
		}), nil, []string{"PUT " + path + `team-a+ci {"role":"write"}`}},
		{role((*quay.Client).EffectivePermission), quay.Write, []string{"GET " + path + "team-a+ci/transitive"}},
	})
}

// A right that comes through a team counts, although the direct permission is none.
func TestTeams(t *testing.T) {
	q, c := start(t)
	q.AddTeamMember("team-a", "pushers", "creator", "team-a+ci")
	play(t, q, c, []exchange{
		{func(ctx context.Context, c *quay.Client) (any, error) { return c.Organization(ctx, "team-a") },
			quay.Organization{Name: "team-a", Admin: true, Teams: map[string]quay.Team{"owners": {Role: "admin"}, "pushers": {Role: "creator"}}, TimeMachine: 14 * 24 * 60 * 60},
			[]string{"GET /api/v1/organization/team-a"}},
	})
	q.GrantTeam("team-a/app", "pushers", quaytest.Write)
	if effective, err := c.EffectivePermission(t.Context(), "team-a/app", "team-a+ci"); effective != quay.Write || err != nil {
		t.Errorf("effective permission is %q, %v", effective, err)
	}
	q.RemoveTeamMember("team-a", "pushers", "team-a+ci")
	if effective, err := c.EffectivePermission(t.Context(), "team-a/app", "team-a+ci"); effective != "" || err != nil {
		t.Errorf("effective permission is %q, %v", effective, err)
	}
}

func TestPrototypes(t *testing.T) {
	q, c := start(t)
	const path = "/api/v1/organization/team-a/prototypes"
	made, err := c.CreatePrototype(t.Context(), "team-a", "team-a+ci", quay.Read)
	if err != nil {
		t.Fatal(err)
	}
	want := quay.Prototype{ID: made.ID, Role: quay.Write, Delegate: "team-a+ci", Kind: "user"}
	if got := sent(q); !slices.Equal(got, []string{"POST " + path + ` {"role":"read","delegate":{"kind":"user","name":"team-a+ci"}}`}) {
		t.Errorf("requests are %q", got)
	}
	list := func(ctx context.Context, c *quay.Client) (any, error) { return c.Prototypes(ctx, "team-a") }
	play(t, q, c, []exchange{
		{only(func(ctx context.Context, c *quay.Client) error {
			return c.SetPrototypeRole(ctx, "team-a", made.ID, quay.Write)
		}),
			nil, []string{"PUT " + path + "/" + made.ID + ` {"role":"write"}`}},
		{list, []quay.Prototype{want}, []string{"GET " + path}},
		{only(func(ctx context.Context, c *quay.Client) error { return c.CreateRepository(ctx, "team-a/new") }), nil,
			[]string{`POST /api/v1/repository {"description":"","namespace":"team-a","repo_kind":"image","repository":"new","visibility":"private"}`}},
		{func(ctx context.Context, c *quay.Client) (any, error) {
			return c.EffectivePermission(ctx, "team-a/new", "team-a+ci")
		},
			quay.Write, []string{"GET /api/v1/repository/team-a/new/permissions/user/team-a+ci/transitive"}},
	})
}

func TestOrganizationsAndRepositories(t *testing.T) {
	q, c := start(t)
	play(t, q, c, []exchange{
		{only(func(ctx context.Context, c *quay.Client) error {
			return c.CreateOrganization(ctx, "team-b", "b@example.com")
		}),
			nil, []string{`POST /api/v1/organization/ {"email":"b@example.com","name":"team-b"}`}},
	})
	for i := range 150 {
		q.AddRepository("team-b", fmt.Sprintf("group/app-%03d", i))
	}
	list, err := c.Repositories(t.Context(), "team-b")
	if err != nil || len(list) != 150 || list[149].Path() != "team-b/group/app-149" {
		t.Errorf("%d repositories, %v", len(list), err)
	}
	const first = "GET /api/v1/repository?last_modified=false&namespace=team-b"
	if diff := cmp.Diff([]string{first + "&public=true", first + "&next_page=page-100&public=true"}, sent(q)); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestConfigAndDiscoveryNeedNoToken(t *testing.T) {
	q, _ := start(t)
	c := connect(t, q, "")
	config, err := c.Config(t.Context())
	if err != nil || config.Version != "3.18.0" || config.State != "normal" || !config.Features["IMMUTABLE_TAGS"] || config.Settings["SERVER_HOSTNAME"] != q.Host() {
		t.Errorf("config is %v, %v", config, err)
	}
	paths, err := c.Discovery(t.Context())
	if err != nil || !slices.Contains(paths, "/api/v1/organization/{}/robots/{}") {
		t.Errorf("paths are %q, %v", paths, err)
	}
	if got := sent(q); !slices.Equal(got, []string{"GET /config", "GET /api/v1/discovery"}) {
		t.Errorf("requests are %q", got)
	}
}

func TestRights(t *testing.T) {
	q, c := start(t)
	token := secret.New(q.RegenerateRobot("team-a+ci"))
	q.Grant("team-a/app", "team-a+ci", quaytest.Write)
	q.AddOrganization("team-b")
	repositories := []string{"team-a/app"}
	for i := range 60 {
		name := fmt.Sprint("app-", i)
		q.AddRepository("team-b", name)
		repositories = append(repositories, "team-b/"+name)
	}
	q.ForgetRequests()
	rights, err := c.Rights(t.Context(), "team-a+ci", token, repositories...)
	if err != nil || len(rights) != 61 || !rights.Push("team-a/app") || rights.Push("team-b/app-0") || rights.Push("team-b/app-59") {
		t.Errorf("rights are %v, %v", rights, err)
	}
	requests := q.Requests()
	if len(requests) != 2 || len(requests[0].Query["scope"]) != 40 || len(requests[1].Query["scope"]) != 21 ||
		requests[0].Query["scope"][0] != "repository:team-a/app:pull,push" || requests[0].Robot != "team-a+ci" {
		t.Errorf("requests are %v", requests)
	}
	q.ForgetRequests()
	if rights, err := c.Rights(t.Context(), "team-a+ci", token); err != nil || len(rights) != 0 {
		t.Errorf("rights are %v, %v", rights, err)
	}
	if got := sent(q); !slices.Equal(got, []string{"GET /v2/auth?service=" + strings.ReplaceAll(q.Host(), ":", "%3A")}) {
		t.Errorf("requests are %q", got)
	}
}

func TestPushesAndTags(t *testing.T) {
	q, c := start(t)
	q.Grant("team-a/app", "team-a+ci", quaytest.Write)
	push(t, q, "team-a/app", "v1")
	q.Advance(time.Hour)
	since := q.Now()
	var last time.Time
	for range 25 {
		q.Advance(time.Second)
		last = q.Now().Truncate(time.Second)
		push(t, q, "team-a/app", "v2")
	}
	push(t, q, "team-a/app", "")
	q.ForgetRequests()
	now := q.Now()
	pushes, err := c.Pushes(t.Context(), "team-a", "team-a+ci", since, now)
	if err != nil || len(pushes) != 25 || pushes[0].Tag != "v2" || pushes[0].Repository != "team-a/app" || pushes[0].Robot != "team-a+ci" ||
		pushes[0].Time.Before(last) || pushes[0].Time.After(now) {
		t.Errorf("%d pushes, %v, %v", len(pushes), pushes, err)
	}
	day, until := url.QueryEscape(since.UTC().Format("01/02/2006")), url.QueryEscape(now.UTC().Format("01/02/2006"))
	query := "GET /api/v1/organization/team-a/logs?endtime=" + until
	rest := "performer=team-a%2Bci&starttime=" + day
	// Each push leaves entries of pulls, too. Where the log ends is not looked at here.
	got := sent(q)
	if diff := cmp.Diff([]string{query + "&" + rest, query + "&next_page=log-20&" + rest, query + "&next_page=log-40&" + rest}, got[:min(3, len(got))]); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	// Everybody's are those of a robot, too, that is gone.
	q.DeleteRobot("team-a+ci")
	q.ForgetRequests()
	all, err := c.Pushes(t.Context(), "team-a", "", since, now)
	if diff := cmp.Diff(pushes, all); diff != "" || err != nil {
		t.Errorf("everybody's pushes (-robot's +all): %v\n%s", err, diff)
	}
	if got := sent(q); got[0] != query+"&starttime="+day {
		t.Errorf("the first request is %q", got[0])
	}
	q.ForgetRequests()
	tags, err := c.Tags(t.Context(), "team-a/app", since)
	if err != nil || len(tags) != 25 || tags[0].Name != "v2" || !tags[0].End.IsZero() || tags[1].End.IsZero() || !strings.HasPrefix(tags[0].Digest, "sha256:") {
		t.Errorf("%d tags, %v, %v", len(tags), tags, err)
	}
	if got = sent(q); !slices.Equal(got, []string{"GET /api/v1/repository/team-a/app/tag/?limit=100&page=1"}) {
		t.Errorf("requests are %q", got)
	}
	if _, err := c.Tags(t.Context(), "team-a/none", since); !quay.IsNotFound(err) {
		t.Errorf("tags of a missing repository: %v", err)
	}
}

// push pushes a small image to the tag, or by digest if tag is empty, as the robot ci of the repository's organization.
func push(t *testing.T, q *quaytest.Quay, repository, tag string) {
	t.Helper()
	img, err := random.Image(16, 1)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	reference := q.Host() + "/" + repository + "@" + digest.String()
	if tag != "" {
		reference = q.Host() + "/" + repository + ":" + tag
	}
	parsed, err := name.ParseReference(reference)
	if err != nil {
		t.Fatal(err)
	}
	organization, _, _ := strings.Cut(repository, "/")
	robot := organization + "+ci"
	err = remote.Write(parsed, img, remote.WithContext(t.Context()), remote.WithTransport(q.Client().Transport),
		remote.WithAuth(&authn.Basic{Username: robot, Password: q.RobotToken(robot)}))
	if err != nil {
		t.Fatal(err)
	}
}
