package platformtoken

import (
	"context"
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

const path = "platform/quay-push/quay-token"

// errCrash is what a call meets at which the process dies.
var errCrash = errors.New("crash")

// world is a Quay with an application, a Vault in memory, and a Secret that External Secrets fills when it is told to.
type world struct {
	testing.TB
	quay     *quaytest.Quay
	first    string
	versions []*vault.Secret
	inSecret secret.Value
	asleep   bool
	// deaf is how many refreshes come to nothing.
	deaf int
	// calls counts the calls that change something; at number crash the process dies, before it is done or after.
	calls, crash int
	after        bool
}

func newWorld(t testing.TB) *world {
	w := &world{TB: t, quay: quaytest.Start(t)}
	for _, org := range []string{"platform", "team-payments"} {
		w.quay.AddOrganization(org)
	}
	w.first = w.quay.AddApplication("platform", "APP", []quaytest.Scope{quaytest.OrgAdmin, quaytest.RepoAdmin})
	if _, err := w.Write(t.Context(), path, vault.Data{"token": secret.New(w.first)}, 0); err != nil {
		t.Fatal(err)
	}
	w.inSecret, w.calls = secret.New(w.first), 0
	return w
}

// change does what changes something, unless the process dies at it.
func (w *world) change(do func() error) error {
	w.calls++
	if w.calls == w.crash && !w.after {
		return errCrash
	}
	if err := do(); err != nil {
		return err
	}
	if w.calls == w.crash {
		return errCrash
	}
	return nil
}

func (w *world) client(token secret.Value) *quay.Client {
	w.Helper()
	c, err := quay.New(quay.Options{URL: w.quay.URL(), Token: token, HTTPClient: w.quay.Client(), Pause: time.Millisecond})
	if err != nil {
		w.Fatal(err)
	}
	return c
}

func (w *world) services() Services {
	return Services{Vault: w, Quay: func(token secret.Value) (Quay, error) { return &asked{w.client(token), w}, nil }, Delivery: w, Poll: time.Millisecond, Now: w.quay.Now}
}

func (w *world) rotate(edit func(*Options)) (Result, error) {
	o := Options{Path: path, Organization: "platform", Application: "APP", Prove: []string{"team-payments"}, Lifetime: 90 * 24 * time.Hour}
	if edit != nil {
		edit(&o)
	}
	return Rotate(w.Context(), w.services(), o)
}

// administers reports whether a token does.
func (w *world) administers(token secret.Value) bool {
	o, err := w.client(token).Organization(w.Context(), "team-payments")
	return err == nil && o.Admin
}

// current is what Vault has.
func (w *world) current() *vault.Secret { return w.versions[len(w.versions)-1] }

// asked is Quay, at which the process may die.
type asked struct {
	*quay.Client
	w *world
}

func (a *asked) CreateApplicationToken(ctx context.Context, organization, application, name, scope string, lifetime time.Duration) (made quay.ApplicationToken, err error) {
	err = a.w.change(func() (err error) {
		made, err = a.Client.CreateApplicationToken(ctx, organization, application, name, scope, lifetime)
		return err
	})
	return made, err
}

func (a *asked) DeleteApplicationToken(ctx context.Context, organization, application, uuid string) error {
	return a.w.change(func() error { return a.Client.DeleteApplicationToken(ctx, organization, application, uuid) })
}

func (w *world) Read(context.Context, string) (vault.Secret, error) {
	if len(w.versions) == 0 {
		return vault.Secret{}, vault.ErrNotFound
	}
	s := *w.current()
	s.Data = maps.Clone(s.Data)
	return s, nil
}

func (w *world) Write(_ context.Context, _ string, data vault.Data, current int) (version int, err error) {
	err = w.change(func() error {
		if current != len(w.versions) {
			return vault.ErrConflict
		}
		version = current + 1
		w.versions = append(w.versions, &vault.Secret{Data: maps.Clone(data), Version: version, Created: w.quay.Now()})
		return nil
	})
	return version, err
}

func (w *world) Metadata(context.Context, string) (m vault.Metadata, err error) {
	m.Current = len(w.versions)
	for i, v := range w.versions {
		if v != nil {
			m.Live = append(m.Live, i+1)
		}
	}
	return m, nil
}

func (w *world) Destroy(_ context.Context, _ string, versions []int) error {
	return w.change(func() error {
		for _, n := range versions {
			w.versions[n-1] = nil
		}
		return nil
	})
}

func (w *world) Refresh(context.Context) error {
	return w.change(func() error {
		if w.deaf--; !w.asleep && w.deaf < 0 {
			w.inSecret = w.current().Data["token"]
		}
		return nil
	})
}

func (w *world) Token(context.Context) (secret.Value, error) { return w.inSecret, nil }
