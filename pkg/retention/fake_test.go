package retention_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/reference"
	"github.com/comptech-lab/quay-push/pkg/retention"
)

// now is the time of the tests, grace their grace period.
var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const grace = 30 * day

const day = 24 * time.Hour

func ago(d time.Duration) time.Time { return now.Add(-d) }

// digest is another one for each letter.
func digest(letter string) string { return "sha256:" + strings.Repeat(letter, 64) }

// fakeQuay has tags, and does what is asked.
type fakeQuay struct {
	mu           sync.Mutex
	repositories []quay.Repository
	tags         map[string][]quay.Tag
	children     map[string][]quay.Child
	clock        time.Time
	// foreign is an organization that the token does not administer.
	foreign string
	// fail is what a call fails with, by its name and first arguments, such as "Tags team-a/app".
	fail map[string]error
	// before is called before each call.
	before func(call string)
	calls  []string
	now    time.Time
}

var _ retention.Quay = (*fakeQuay)(nil)

// call notes a call, and is its error.
func (q *fakeQuay) call(ctx context.Context, words ...string) error {
	if err := ctx.Err(); err != nil {
		return err // Nothing arrives.
	}
	text := strings.Join(words, " ")
	if q.before != nil {
		q.before(text)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.calls = append(q.calls, text)
	return q.fail[text]
}

// changed are the calls that change something.
func (q *fakeQuay) changed() (found []string) {
	for _, call := range q.calls {
		if name, _, _ := strings.Cut(call, " "); name == "SetImmutable" || name == "DeleteTag" || name == "RestoreTag" {
			found = append(found, call)
		}
	}
	return found
}

func (q *fakeQuay) Date() time.Time { return q.clock }

func (q *fakeQuay) Organization(ctx context.Context, organization string) (quay.Organization, error) {
	return quay.Organization{Name: organization, Admin: organization != q.foreign}, q.call(ctx, "Organization", organization)
}

func (q *fakeQuay) Repositories(ctx context.Context, organization string) ([]quay.Repository, error) {
	if err := q.call(ctx, "Repositories", organization); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(q.repositories), func(r quay.Repository) bool { return r.Organization != organization }), nil
}

func (q *fakeQuay) Tags(ctx context.Context, repository string, since time.Time) ([]quay.Tag, error) {
	what := "Tags"
	if !since.IsZero() {
		what = "LateTags"
	}
	err := q.call(ctx, what, repository)
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(q.tags[repository]), func(t quay.Tag) bool { return t.Start.Before(since) }), err
}

func (q *fakeQuay) TagLives(ctx context.Context, repository, tag string) ([]quay.Tag, error) {
	err := q.call(ctx, "TagLives", repository, tag)
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(q.tags[repository]), func(t quay.Tag) bool { return t.Name != tag }), err
}

func (q *fakeQuay) Children(ctx context.Context, repository, digest string) ([]quay.Child, error) {
	return q.children[digest], q.call(ctx, "Children", repository, digest)
}

// live is the tag in its life of now; nil for none.
func (q *fakeQuay) live(repository, tag string) *quay.Tag {
	for i, t := range q.tags[repository] {
		if t.Name == tag && t.End.IsZero() {
			return &q.tags[repository][i]
		}
	}
	return nil
}

var errGone = &quay.Error{Status: 404}

func (q *fakeQuay) SetImmutable(ctx context.Context, repository, tag string, immutable bool) error {
	if err := q.call(ctx, "SetImmutable", repository, tag, fmt.Sprint(immutable)); err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	t := q.live(repository, tag)
	if t == nil {
		return errGone
	}
	t.Immutable = immutable
	return nil
}

func (q *fakeQuay) DeleteTag(ctx context.Context, repository, tag string) error {
	if err := q.call(ctx, "DeleteTag", repository, tag); err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	switch t := q.live(repository, tag); {
	case t == nil:
		return errGone
	case t.Immutable:
		return errors.New("409 TAG_IMMUTABLE")
	default:
		t.End = now
		return nil
	}
}

func (q *fakeQuay) RestoreTag(ctx context.Context, repository, tag, digest string) error {
	if err := q.call(ctx, "RestoreTag", repository, tag, digest); err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if t := q.live(repository, tag); t != nil {
		return errors.New("409 TAG_IMMUTABLE")
	}
	q.tags[repository] = append(q.tags[repository], quay.Tag{Name: tag, Digest: digest, Start: now.Add(time.Second)})
	return nil
}

// fakeSource needs digests, by who does; it fails with an error, or misses an organization.
type fakeSource struct {
	needs map[string]string
	miss  map[string]error
	// looks are how often it was asked; later is what is needed from a look on, by its number from 1.
	looks int
	later map[int]map[string]string
	lost  map[int]error
}

func (s *fakeSource) Look(_ context.Context, since time.Time) (d retention.Demand) {
	if !since.Equal(ago(grace)) {
		d.Miss("", "the clock", fmt.Errorf("since is %s", since))
	}
	s.looks++
	for digest, who := range s.needs {
		d.Need(digest, who)
	}
	for n, needs := range s.later {
		for digest, who := range needs {
			if s.looks >= n {
				d.Need(digest, who)
			}
		}
	}
	for organization, err := range s.miss {
		d.Miss(organization, "a branch", err)
	}
	if err := s.lost[s.looks]; err != nil {
		d.Miss("", "cluster west", err)
	}
	return d
}

// anchor is a digest's, set a time ago, and immutable.
func anchor(digest string, age time.Duration) quay.Tag {
	return quay.Tag{Name: reference.Anchor(digest), Digest: digest, Start: ago(age), Immutable: true}
}

// fake has one repository with tags.
func fake(tags ...quay.Tag) *fakeQuay {
	return &fakeQuay{repositories: []quay.Repository{{Organization: "team-a", Name: "app", State: "NORMAL"}}, tags: map[string][]quay.Tag{"team-a/app": tags},
		children: map[string][]quay.Child{}, fail: map[string]error{}, now: now}
}

// nobody is a source that needs nothing.
type nobody struct{}

func (nobody) Look(context.Context, time.Time) (d retention.Demand) { return d }
