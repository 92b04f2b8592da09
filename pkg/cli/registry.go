package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/comptech-lab/quay-push/pkg/overlay"
	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/retention"
)

// registry is Quay as package overlay asks it.
type registry struct {
	quay *quay.Client
	// host is its name in images, which need not be the address at which it is asked.
	host string
	now  func() time.Time
	// asked are the images whose tags were looked for, elsewhere those that are another registry's.
	asked, elsewhere []string
	// repositories are those that were read, organizations what Quay does in them by itself.
	repositories  map[string]repositoryView
	organizations map[string]retention.House
	// children are what indexes list, by repository@digest.
	children map[string][]quay.Child
}

// repositoryView is what is read of a repository once.
type repositoryView struct {
	tags  []quay.Tag
	house retention.House
}

func newRegistry(q *quay.Client, host string, now func() time.Time) *registry {
	return &registry{quay: q, host: host, now: now, asked: []string{}, repositories: map[string]repositoryView{}, organizations: map[string]retention.House{}, children: map[string][]quay.Child{}}
}

// Fate implements overlay.Registry. A repository that does not exist has no tags.
func (r *registry) Fate(ctx context.Context, image, digest string) (overlay.Fate, error) {
	host, repository, _ := strings.Cut(image, "/")
	list := &r.asked
	if host != r.host {
		list = &r.elsewhere
	}
	if pinned := image + "@" + digest; !slices.Contains(*list, pinned) {
		*list = append(*list, pinned)
	}
	if host != r.host {
		return overlay.Fate{}, overlay.ErrElsewhere
	}
	view, err := r.repository(ctx, repository)
	if quay.IsNotFound(err) {
		return overlay.Fate{How: "there is no such repository"}, nil
	} else if err != nil {
		return overlay.Fate{}, err
	}
	now := r.now()
	if date := r.quay.Date(); !date.IsZero() {
		now = date
	}
	return retention.ForecastIn(view.tags, digest, view.house, now, func(index string) ([]quay.Child, error) {
		return r.list(ctx, repository, index)
	})
}

// list is what an index lists, read once.
func (r *registry) list(ctx context.Context, repository, index string) ([]quay.Child, error) {
	key := repository + "@" + index
	if found, ok := r.children[key]; ok {
		return found, nil
	}
	found, err := r.quay.Children(ctx, repository, index)
	if err == nil {
		r.children[key] = found
	}
	return found, err
}

// repository reads a repository, unless it was read before.
func (r *registry) repository(ctx context.Context, repository string) (view repositoryView, err error) {
	if view, ok := r.repositories[repository]; ok {
		return view, nil
	}
	if view.tags, err = r.quay.Tags(ctx, repository, time.Time{}); err != nil {
		return view, err
	}
	organization, _, _ := strings.Cut(repository, "/")
	if view.house, err = r.organization(ctx, organization); err != nil {
		return view, err
	}
	own, err := r.quay.RepositoryPrunePolicies(ctx, repository)
	view.house.Prunes = slices.Concat(view.house.Prunes, own)
	if err == nil {
		r.repositories[repository] = view
	}
	return view, err
}

// organization reads what Quay does in an organization, unless that was read before.
func (r *registry) organization(ctx context.Context, organization string) (retention.House, error) {
	if house, ok := r.organizations[organization]; ok {
		return house, nil
	}
	settings, err := r.quay.Config(ctx)
	if err != nil {
		return retention.House{}, err
	}
	of, err := r.quay.Organization(ctx, organization)
	if err != nil {
		return retention.House{}, err
	}
	house := retention.House{TimeMachine: time.Duration(of.TimeMachine) * time.Second}
	if house.Prunes, err = r.quay.PrunePolicies(ctx, organization); err != nil {
		return retention.House{}, err
	}
	if common := settings.DefaultPrunePolicy(); common != nil {
		house.Prunes = append(house.Prunes, *common)
	}
	r.organizations[organization] = house
	return house, nil
}
