package platformtoken

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// The token that a person made is replaced, and stays until that person ends it: Quay does not tell which one it is. The next one is ended
// by the rotation after it.
func TestRotate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r, err := w.rotate(nil)
	if err != nil || !r.Rotated || r.Resumed || len(r.Deleted) > 0 || len(r.ByHand) != 1 || r.Expires.Sub(r.Created) != 90*24*time.Hour {
		t.Fatalf("%+v, %v", r, err)
	}
	second := w.current().Data["token"]
	if second.Equal(secret.New(w.first)) || !w.administers(second) || !w.inSecret.Equal(second) || w.current().Data["uuid"].IsZero() || w.versions[0] != nil {
		t.Error("the new token is not in Vault and in the Secret, or the old one still is")
	}
	if good, known := w.quay.OAuthTokens("platform", "APP", w.first); good != 2 || !known {
		t.Errorf("%d tokens are good, that of a person: %v", good, known)
	}
	// A young one is left alone, an old one is not.
	w.quay.Advance(10 * 24 * time.Hour)
	young := func(o *Options) { o.MaxAge = 30 * 24 * time.Hour }
	if r, err = w.rotate(young); err != nil || r.Rotated || r.Resumed || !w.current().Data["token"].Equal(second) {
		t.Errorf("young: %+v, %v", r, err)
	}
	w.quay.Advance(30 * 24 * time.Hour)
	if r, err = w.rotate(young); err != nil || !r.Rotated || len(r.Deleted) != 1 || w.administers(second) || !w.administers(w.inSecret) {
		t.Errorf("old: %+v, %v", r, err)
	}
	if good, _ := w.quay.OAuthTokens("platform", "APP", ""); good != 2 {
		t.Errorf("%d tokens are good", good)
	}
}

// The process dies at each call that changes something, before it or after it. At no time has Vault or the Secret a token that does not
// administer; run again it ends with one token of its own, in Vault and in the Secret.
func TestRotateAfterACrash(t *testing.T) {
	t.Parallel()
	for crash := 1; ; crash++ {
		crashed := 0
		for _, after := range []bool{false, true} {
			name := fmt.Sprintf("crash at call %d, done %v", crash, after)
			w := newWorld(t)
			if _, err := w.rotate(nil); err != nil {
				t.Fatal(err)
			}
			w.calls, w.crash, w.after = 0, crash, after
			if _, err := w.rotate(nil); errors.Is(err, errCrash) {
				crashed++
			} else if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			w.crash = 0
			if !w.administers(w.current().Data["token"]) || !w.administers(w.inSecret) {
				t.Errorf("%s: what Vault or the Secret has does not administer", name)
			}
			if _, err := w.rotate(nil); err != nil {
				t.Errorf("%s: run again: %v", name, err)
			}
			live, _ := w.Metadata(t.Context(), path)
			if good, _ := w.quay.OAuthTokens("platform", "APP", ""); good != 2 || len(live.Live) != 1 || !w.inSecret.Equal(w.current().Data["token"]) || !w.administers(w.inSecret) {
				t.Errorf("%s: run again: %d tokens are good, versions %v", name, good, live.Live)
			}
		}
		if crashed == 0 {
			if crash < 5 {
				t.Errorf("only %d calls change something", crash-1)
			}
			return
		}
	}
}

// While the Secret has not got the new token the old one stays good, and the next run goes on from there.
func TestRotateWaitsForTheSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.rotate(nil); err != nil {
		t.Fatal(err)
	}
	w.asleep = true
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	own := (*robot.Error)(nil)
	_, err := Rotate(ctx, w.services(), Options{Path: path, Organization: "platform", Application: "APP", Lifetime: time.Hour})
	if !errors.As(err, &own) || own.Reason != robot.ReasonTimeout || !w.administers(w.inSecret) || w.inSecret.Equal(w.current().Data["token"]) {
		t.Errorf("error is %v", err)
	}
	w.asleep = false
	if r, err := w.rotate(nil); err != nil || !r.Resumed || r.Rotated || len(r.Deleted) != 1 || !w.inSecret.Equal(w.current().Data["token"]) {
		t.Errorf("run again: %+v, %v", r, err)
	}
}

// Asked while Vault refuses, External Secrets would look again after minutes; so it is asked again.
func TestRotateAsksAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deaf = 3
	if r, err := w.rotate(nil); err != nil || !w.inSecret.Equal(w.current().Data["token"]) {
		t.Errorf("%+v, %v; %d refreshes were not asked for", r, err, w.deaf)
	}
}

// What cannot be is refused, with the reason; nothing is changed, nothing is left, and no token is in the error.
func TestRotateIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		edit   func(*world, *Options)
		reason robot.Reason
		says   string
		next   string
	}{
		"Quay is too old":        {func(w *world, _ *Options) { w.quay.SetVersion("3.17.4") }, robot.ReasonRefused, "Quay 3.17.4 has no API", "make one by hand"},
		"no token in Vault":      {func(w *world, _ *Options) { w.versions = nil }, robot.ReasonMissing, "there is no OAuth token at", "put the first one there"},
		"another key in Vault":   {func(w *world, _ *Options) { w.versions[0].Data = vault.Data{"oauth": secret.New("x")} }, robot.ReasonMissing, "there is no OAuth token at", "put the first one there"},
		"no such application":    {func(_ *world, o *Options) { o.Application = "OTHER" }, robot.ReasonMissing, `has no OAuth application "OTHER"`, "client ID"},
		"it does not administer": {func(_ *world, o *Options) { o.Prove = []string{"nobody"} }, robot.ReasonNoRight, `tried on organization "nobody"`, "owns that organization"},
	} {
		w := newWorld(t)
		o := Options{Path: path, Organization: "platform", Application: "APP", Lifetime: time.Hour}
		test.edit(w, &o)
		_, err := Rotate(t.Context(), w.services(), o)
		own := (*robot.Error)(nil)
		if !errors.As(err, &own) || own.Reason != test.reason || !strings.Contains(own.Problem, test.says) || !strings.Contains(own.Next, test.next) || strings.Contains(err.Error(), w.first) {
			t.Errorf("%s: %v", name, err)
		}
		if good, _ := w.quay.OAuthTokens("platform", "APP", ""); good != 1 || len(w.versions) > 1 {
			t.Errorf("%s: %d tokens are good, %d versions", name, good, len(w.versions))
		}
	}
}

// Of two who rotate at once one is told, and its token is ended.
func TestRotateAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.services()
	s.Report = func(what string) {
		if strings.HasPrefix(what, "writing") {
			w.versions = append(w.versions, &vault.Secret{Data: vault.Data{"token": secret.New(w.first)}, Version: 2, Created: w.quay.Now()})
		}
	}
	_, err := Rotate(t.Context(), s, Options{Path: path, Organization: "platform", Application: "APP", Lifetime: time.Hour})
	own := (*robot.Error)(nil)
	if !errors.As(err, &own) || own.Reason != robot.ReasonConflict {
		t.Errorf("error is %v", err)
	}
	if good, known := w.quay.OAuthTokens("platform", "APP", w.first); good != 1 || !known {
		t.Errorf("%d tokens are good", good)
	}
}

// A token keeps its scopes: one that may less makes none that may more.
func TestRotateKeepsTheScope(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	narrow := w.quay.AddApplication("platform", "NARROW", []quaytest.Scope{quaytest.OrgAdmin})
	w.versions[0].Data = vault.Data{"token": secret.New(narrow)}
	_, err := w.rotate(func(o *Options) { o.Application = "NARROW" })
	if err == nil || strings.Contains(err.Error(), narrow) {
		t.Errorf("a token without repo:admin makes one that has it: %v", err)
	}
}
