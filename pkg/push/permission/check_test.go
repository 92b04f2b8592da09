package permission_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/dockerconfig"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/permission"
	"github.com/comptech-lab/quay-push/pkg/push/registry"
)

const robot = "team-a+ci"

// newQuay returns a Quay with team-a/app, which the robot may write.
func newQuay(t *testing.T) *quaytest.Quay {
	t.Helper()
	q := quaytest.Start(t)
	q.AddOrganization("team-a")
	q.AddRepository("team-a", "app")
	q.AddRobot("team-a", "ci")
	q.Grant("team-a/app", robot, quaytest.Write)
	return q
}

// entry is what the robot's Secret has.
func entry(t *testing.T, q *quaytest.Quay) dockerconfig.Match {
	t.Helper()
	file, err := dockerconfig.Parse(q.Dockerconfig(robot))
	if err != nil {
		t.Fatal(err)
	}
	match, err := file.For(q.Host(), "team-a/app")
	if err != nil {
		t.Fatal(err)
	}
	return match
}

// fill pushes an image to team-a/app.
func fill(t *testing.T, q *quaytest.Quay) {
	t.Helper()
	content, err := random.Image(100, 1)
	if err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag(q.Host() + "/team-a/app:v1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(tag, content, remote.WithTransport(q.Client().Transport), remote.WithAuth(&authn.Basic{Username: robot, Password: q.RobotToken(robot)})); err != nil {
		t.Fatal(err)
	}
}

func check(ctx context.Context, q *quaytest.Quay, repository string, e dockerconfig.Match) error {
	return permission.Check(ctx, registry.Target{Host: q.Host(), Repository: repository}, e, q.CAFile())
}

// A robot that may push hears so, and leaves nothing: the upload that it began is gone.
func TestCheck(t *testing.T) {
	q := newQuay(t)
	e := entry(t, q)
	if err := check(t.Context(), q, "team-a/app", e); err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, r := range q.Requests() {
		path, upload, _ := strings.Cut(r.Path, "/blobs/uploads/")
		if upload != "" {
			upload = "/ID"
		}
		told = append(told, r.Method+" "+path+upload)
	}
	slices.Sort(told)
	// Where are tokens; a token to see the repository, another one to push; the upload and its end.
	want := []string{"DELETE /v2/team-a/app/ID", "GET /v2/", "GET /v2/auth", "GET /v2/auth", "POST /v2/team-a/app"}
	if !slices.Equal(told, want) {
		t.Errorf("requests %q, want %q", told, want)
	}
	if last := q.Requests()[4]; last.Method != http.MethodDelete || last.Status != http.StatusNoContent {
		t.Errorf("the upload ends with %+v", last)
	}
	if tags := q.Tags("team-a/app"); len(tags) > 0 {
		t.Errorf("tags %v", tags)
	}
}

// Each thing that would refuse the push refuses the question, in the push's words.
func TestCheckRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		spoil      func(q *quaytest.Quay)
		repository string
		class      failure.Class
		says       string
	}{
		"a burnt token": {func(q *quaytest.Quay) { q.RegenerateRobot(robot) }, "", failure.ClassCredentialRefused, "let the Secret follow Vault"},
		"no robot":      {func(q *quaytest.Quay) { q.DeleteRobot(robot) }, "", failure.ClassCredentialRefused, `robot "team-a+ci" was deleted`},
		"no right":      {func(q *quaytest.Quay) { q.Revoke("team-a/app", robot) }, "", failure.ClassNoAccess, "does not exist, or robot"},
		"read alone": {func(q *quaytest.Quay) { q.Grant("team-a/app", robot, quaytest.Read) }, "", failure.ClassPushDenied,
			`has ["pull"] and needs push; give the robot Write on team-a/app`},
		"a repository in read-only state": {func(q *quaytest.Quay) { q.SetState("team-a/app", quaytest.ReadOnly) }, "", failure.ClassPushDenied, "whether the repository is read-only"},
		"no repository":                   {func(*quaytest.Quay) {}, "team-a/new", failure.ClassNoAccess, "/team-a/new does not exist"},
		"read-only":                       {func(q *quaytest.Quay) { q.SetReadOnly(true) }, "", failure.ClassRegistryReadOnly, "takes no pushes now"},
		"pushes off":                      {func(q *quaytest.Quay) { q.DisablePushes(true) }, "", failure.ClassRegistryReadOnly, "takes no pushes now"},
		"no quota left":                   {func(q *quaytest.Quay) { fill(t, q); q.SetQuota("team-a", 1) }, "", failure.ClassQuota, `the quota of organization "team-a" is used up`},
	} {
		t.Run(name, func(t *testing.T) {
			q := newQuay(t)
			e := entry(t, q)
			test.spoil(q)
			repository := "team-a/app"
			if test.repository != "" {
				repository = test.repository
			}
			err := check(t.Context(), q, repository, e)
			var refusal *permission.Refusal
			if !errors.As(err, &refusal) || refusal.Failure.Class != test.class || refusal.Passing || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%+v, %v; want %s that says %q", refusal, err, test.class.Name, test.says)
			}
			wantHidden(t, err, e)
		})
	}
}

// What may pass says so, and ends in time.
func TestCheckPasses(t *testing.T) {
	for name, test := range map[string]struct {
		effect quaytest.Effect
		class  failure.Class
		after  time.Duration
	}{
		"down": {quaytest.Status(http.StatusServiceUnavailable, nil, ""), failure.ClassUnavailable, 0},
		"busy": {quaytest.Status(http.StatusTooManyRequests, http.Header{"Retry-After": {"7"}}, ""), failure.ClassRateLimited, 7 * time.Second},
		"hung": {func(_ *quaytest.Quay, _ http.ResponseWriter, r *http.Request, _ http.Handler) { <-r.Context().Done() }, failure.ClassTimeout, 0},
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{"", "^/v2/auth", "/blobs/uploads/"} {
				q := newQuay(t)
				e := entry(t, q)
				q.Faults.Add(quaytest.Fault{Name: name, Path: path, Times: -1, Effect: test.effect})
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				if test.class == failure.ClassTimeout {
					cancel()
					ctx, cancel = context.WithTimeout(t.Context(), 300*time.Millisecond)
				}
				err := check(ctx, q, "team-a/app", e)
				cancel()
				var refusal *permission.Refusal
				if !errors.As(err, &refusal) || refusal.Failure.Class != test.class || !refusal.Passing || refusal.After != test.after {
					t.Errorf("%q: %+v, %v; want %s that passes, after %s", path, refusal, err, test.class.Name, test.after)
				}
				wantHidden(t, err, e)
			}
		})
	}
}

// A creator's question creates nothing.
func TestCheckCreatesNothing(t *testing.T) {
	q := newQuay(t)
	q.SetCreator("team-a", robot)
	err := check(t.Context(), q, "team-a/new", entry(t, q))
	if failure.Of(unwrap(err)).Class != failure.ClassNoAccess || q.HasRepository("team-a/new") {
		t.Errorf("%v; the repository is there: %v", err, q.HasRepository("team-a/new"))
	}
}

// Neither a credential nor an upload goes to another host.
func TestCheckStaysOnTheHost(t *testing.T) {
	for name, fault := range map[string]quaytest.Fault{
		"tokens": {Path: "^/v2/$", Effect: quaytest.Status(http.StatusUnauthorized, http.Header{"Www-Authenticate": {`Bearer realm="https://elsewhere.invalid/token",service="x"`}}, "")},
		"upload": {Path: "/blobs/uploads/", Effect: quaytest.Status(http.StatusAccepted, http.Header{"Location": {"https://elsewhere.invalid/v2/team-a/app/blobs/uploads/x"}}, "")},
	} {
		q := newQuay(t)
		e := entry(t, q)
		fault.Name, fault.Times = name, -1
		q.Faults.Add(fault)
		err := check(t.Context(), q, "team-a/app", e)
		if got := failure.Of(unwrap(err)).Class; got != failure.ClassForeignHost {
			t.Errorf("%s: %s, %v", name, got.Name, err)
		}
		wantHidden(t, err, e)
	}
}

// A registry whose authority is not trusted is told apart from one that is away.
func TestCheckTrusts(t *testing.T) {
	q := newQuay(t)
	e := entry(t, q)
	err := permission.Check(t.Context(), registry.Target{Host: q.Host(), Repository: "team-a/app"}, e, "")
	var refusal *permission.Refusal
	if !errors.As(err, &refusal) || refusal.Failure.Class != failure.ClassCertificate || refusal.Passing {
		t.Errorf("%+v, %v", refusal, err)
	}
	if len(q.Requests()) > 0 {
		t.Errorf("requests %+v", q.Requests())
	}
}

func unwrap(err error) error {
	var refusal *permission.Refusal
	if errors.As(err, &refusal) {
		return refusal.Failure
	}
	return err
}

// wantHidden checks that the error has nothing of the token.
func wantHidden(t *testing.T, err error, e dockerconfig.Match) {
	t.Helper()
	basic := strings.TrimPrefix(e.Credential.Authorization().Reveal(), "Basic ")
	if err == nil || strings.Contains(err.Error(), basic) {
		t.Errorf("the token is in %v", err)
	}
}
