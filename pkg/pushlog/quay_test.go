package pushlog_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/pushlog"
	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/reference"
	"github.com/comptech-lab/quay-push/pkg/secret"
)

// scene is a Quay with the repository app of team payments and the robots ci and ops, and a reader of its log.
type scene struct {
	*testing.T
	quay   *quaytest.Quay
	client *quay.Client
	start  time.Time
}

func newScene(t *testing.T) *scene {
	t.Helper()
	q := quaytest.Start(t)
	q.AddOrganization("team-payments")
	q.AddRepository("team-payments", "app")
	for _, robot := range []string{"ci", "ops"} {
		q.AddRobot("team-payments", robot)
		q.Grant("team-payments/app", "team-payments+"+robot, quaytest.Write)
	}
	client, err := quay.New(quay.Options{URL: q.URL(), HTTPClient: q.Client(), Rate: 5000,
		Token: secret.New(q.AddOAuthToken([]quaytest.Scope{quaytest.OrgAdmin, quaytest.RepoAdmin}))})
	if err != nil {
		t.Fatal(err)
	}
	return &scene{T: t, quay: q, client: client, start: q.Now()}
}

// image makes one, and its digest.
func (s *scene) image() (v1.Image, string) {
	s.Helper()
	made, err := random.Image(16, 1)
	if err != nil {
		s.Fatal(err)
	}
	digest, err := made.Digest()
	if err != nil {
		s.Fatal(err)
	}
	return made, digest.String()
}

// push sets tags of app to an image, as a robot, and returns when.
func (s *scene) push(robot string, image v1.Image, tags ...string) time.Time {
	s.Helper()
	s.quay.Advance(2 * time.Second)
	robot = "team-payments+" + robot
	made, err := image.Digest()
	if err != nil {
		s.Fatal(err)
	}
	digest := made.String()
	for _, tag := range tags {
		to, err := name.NewTag(s.quay.Host() + "/team-payments/app:" + tag)
		if err != nil {
			s.Fatal(err)
		}
		opts := []remote.Option{remote.WithContext(s.Context()), remote.WithTransport(s.quay.Client().Transport),
			remote.WithAuth(&authn.Basic{Username: robot, Password: s.quay.RobotToken(robot)})}
		// Write sets no tag that has the digest already; Tag does, as a build does that pushes again.
		if err := errors.Join(remote.Write(to.Context().Digest(digest), image, opts...), remote.Tag(to, image, opts...)); err != nil {
			s.Fatal(err)
		}
	}
	return s.quay.Now()
}

// read reads what was pushed since a time, as lines "who digest source" with the digests by their names.
func (s *scene) read(since time.Time, digests map[string]string, runs ...*pushlog.Run) (lines []string, list pushlog.List) {
	s.Helper()
	return s.readWith(pushlog.Reader{Quay: s.client, Host: s.quay.Host(), Since: since, Until: s.quay.Now()}, digests, runs...)
}

// readWith is read with a reader.
func (s *scene) readWith(r pushlog.Reader, digests map[string]string, runs ...*pushlog.Run) (lines []string, list pushlog.List) {
	s.Helper()
	if err := r.Read(s.Context(), "payments", "team-payments", runs, &list); err != nil {
		s.Fatal(err)
	}
	list.Sort()
	for _, p := range list.Pushes {
		if p.Team != "payments" || p.Bytes != pushlog.UnknownBytes || p.Source != pushlog.SourceQuay || p.Repository != s.quay.Host()+"/team-payments/app" ||
			p.Time.Before(r.Since.Truncate(time.Second)) || p.Time.After(s.quay.Now()) || p.Run != "" || p.Rule != "" {
			s.Errorf("a push is %+v", p)
		}
		called := "?"
		for letter, digest := range digests {
			if digest == p.Digest {
				called = letter
			}
		}
		lines = append(lines, p.Who+" "+called)
	}
	return lines, list
}

// The log alone tells who pushed, and the digest that each tag was set to, one push for a tag and its anchor.
func TestLogAlone(t *testing.T) {
	s := newScene(t)
	a, first := s.image()
	b, second := s.image()
	digests := map[string]string{"a": first, "b": second}
	s.push("ci", a, "main", reference.Anchor(first))
	s.push("ci", b, "main", reference.Anchor(second))
	s.push("ops", a, "main") // By hand.
	lines, list := s.read(s.start, digests)
	if diff := cmp.Diff([]string{"team-payments+ops a", "team-payments+ci b", "team-payments+ci a"}, lines); diff != "" {
		t.Errorf("pushes (-want +got):\n%s", diff)
	}
	if len(list.Gaps) > 0 {
		t.Errorf("gaps are %v", list.Gaps)
	}
}

// A tag that is set to the digest that it has keeps its life, which began before the time that is asked for.
func TestSameDigestAgain(t *testing.T) {
	s := newScene(t)
	a, first := s.image()
	s.push("ci", a, "nightly")
	s.quay.Advance(48 * time.Hour)
	since := s.quay.Now()
	s.push("ci", a, "nightly")
	s.push("ci", a, "nightly") // A moment later: another push.
	lines, _ := s.read(since, map[string]string{"a": first})
	if diff := cmp.Diff([]string{"team-payments+ci a", "team-payments+ci a"}, lines); diff != "" {
		t.Errorf("pushes (-want +got):\n%s", diff)
	}
}

// What a run did is listed by the run, which learns who pushed; the same by a robot that is gone is known from what the log wrote down.
func TestRunsAndDeletedRobots(t *testing.T) {
	s := newScene(t)
	a, first := s.image()
	b, second := s.image()
	at := s.push("ci", a, "v1", reference.Anchor(first))
	s.push("ops", b, "v2")
	s.quay.DeleteRobot("team-payments+ops")
	run := &pushlog.Run{Push: pushlog.Push{Time: at, Team: "payments", Repository: s.quay.Host() + "/team-payments/app", Digest: first}, Begin: s.start, Tag: "v1"}
	lines, _ := s.read(s.start, map[string]string{"a": first, "b": second}, run)
	if diff := cmp.Diff([]string{"team-payments+ops b"}, lines); diff != "" {
		t.Errorf("pushes (-want +got):\n%s", diff)
	}
	if run.Who != "team-payments+ci" {
		t.Errorf("the run was %q", run.Who)
	}
}

// Two who set the same digest within a moment are two, and so is who sets it again with another tag later.
func TestSameDigestByTwo(t *testing.T) {
	s := newScene(t)
	a, first := s.image()
	s.push("ci", a, "v1")
	s.push("ops", a, "v2")
	s.quay.Advance(2 * time.Minute)
	s.push("ops", a, "v3")
	lines, _ := s.read(s.start, map[string]string{"a": first})
	if diff := cmp.Diff([]string{"team-payments+ops a", "team-payments+ops a", "team-payments+ci a"}, lines); diff != "" {
		t.Errorf("pushes (-want +got):\n%s", diff)
	}
}

// What is older than the time that is asked for is not listed, and be it by a few seconds.
func TestOutsideOfTheTime(t *testing.T) {
	s := newScene(t)
	a, first := s.image()
	s.push("ci", a, "v1")
	for _, later := range []time.Duration{90 * time.Second, time.Hour} {
		s.quay.Advance(later)
		if lines, _ := s.read(s.quay.Now().Add(-time.Minute), nil); len(lines) > 0 {
			t.Errorf("pushes before the time: %q", lines)
		}
	}
	if lines, _ := s.read(s.start, map[string]string{"a": first}); len(lines) != 1 {
		t.Errorf("pushes: %q", lines)
	}
}

// failing answers some questions with an error.
type failing struct {
	pushlog.Quay
	pushes, tags error
}

func (f failing) Pushes(ctx context.Context, organization, robot string, since, until time.Time) ([]quay.Push, error) {
	found, err := f.Quay.Pushes(ctx, organization, robot, since, until)
	return found, errors.Join(err, f.pushes)
}

func (f failing) Tags(ctx context.Context, repository string, since time.Time) ([]quay.Tag, error) {
	if f.tags != nil {
		return nil, f.tags
	}
	return f.Quay.Tags(ctx, repository, since)
}

// What cannot be read is a gap, and what was read is listed all the same.
func TestGaps(t *testing.T) {
	s := newScene(t)
	a, first := s.image()
	s.push("ci", a, "v1")
	for what, row := range map[string]struct {
		quay   failing
		digest string
	}{
		`Quay's log of "team-payments"`:                {failing{s.client, fmt.Errorf("what is before noon was not read: %w", quay.ErrMore), nil}, first},
		`the digests of pushes to "team-payments/app"`: {failing{s.client, nil, errors.New("503")}, ""},
	} {
		list := pushlog.List{}
		r := pushlog.Reader{Quay: row.quay, Host: s.quay.Host(), Since: s.start, Until: s.quay.Now()}
		if err := r.Read(t.Context(), "payments", "team-payments", nil, &list); !errors.Is(err, row.quay.pushes) {
			t.Errorf("%s: %v", what, err)
		}
		if len(list.Gaps) != 1 || list.Gaps[0].What != what || list.Gaps[0].Err == nil {
			t.Errorf("%s: gaps are %v", what, list.Gaps)
		}
		if len(list.Pushes) != 1 || list.Pushes[0].Digest != row.digest || !strings.HasSuffix(list.Pushes[0].Who, "+ci") {
			t.Errorf("%s: pushes are %+v", what, list.Pushes)
		}
	}
}
