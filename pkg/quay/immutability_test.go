package quay_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/reference"
)

var ofAnchors = quay.ImmutabilityPolicy{Pattern: reference.AnchorPattern, Matches: true}

// A policy is made once; that Quay has it, has none, or takes none for the organization, are told apart.
func TestImmutabilityPolicies(t *testing.T) {
	q, c := start(t)
	const name = "digest-0123456789abcdef0123456789abcdef"
	if found, err := c.ImmutabilityPolicies(t.Context(), "team-a"); err != nil || len(found) > 0 {
		t.Errorf("before: %v, %v", found, err)
	}
	if err := c.CreateImmutabilityPolicy(t.Context(), "team-a", ofAnchors); err != nil {
		t.Fatal(err)
	}
	found, err := c.ImmutabilityPolicies(t.Context(), "team-a")
	if err != nil || len(found) != 1 || found[0].ID == "" || !found[0].Keeps(name) {
		t.Fatalf("after: %+v, %v", found, err)
	}
	want := []quaytest.ImmutabilityPolicy{{UUID: found[0].ID, TagPattern: "digest-[0-9a-f]{32}", Matches: true}}
	if diff := cmp.Diff(want, q.ImmutabilityPolicies("team-a")); diff != "" {
		t.Errorf("Quay has (-want +got):\n%s", diff)
	}
	for _, again := range []quay.ImmutabilityPolicy{ofAnchors, found[0], {Pattern: ofAnchors.Pattern}} {
		if err := c.CreateImmutabilityPolicy(t.Context(), "team-a", again); !quay.IsExists(err) || quay.IsMirrored(err) || len(q.ImmutabilityPolicies("team-a")) != 1 {
			t.Errorf("%+v again: %v", again, err)
		}
	}
	q.AddOrganization("mirror")
	q.AddRobot("mirror", "sync")
	q.SetMirror("mirror", "mirror+sync")
	if err := c.CreateImmutabilityPolicy(t.Context(), "mirror", ofAnchors); !quay.IsMirrored(err) || quay.IsExists(err) {
		t.Errorf("of a mirror: %v", err)
	}
	if found, err := c.ImmutabilityPolicies(t.Context(), "mirror"); err != nil || len(found) > 0 {
		t.Errorf("of a mirror: %v, %v", found, err)
	}
	q.SetImmutability(false)
	if _, err := c.ImmutabilityPolicies(t.Context(), "team-a"); !errors.Is(err, quay.ErrNoImmutability) {
		t.Errorf("without the feature: %v", err)
	}
	if err := c.CreateImmutabilityPolicy(t.Context(), "team-a", ofAnchors); !errors.Is(err, quay.ErrNoImmutability) {
		t.Errorf("without the feature: %v", err)
	}
	// What is no answer of Quay's about that says nothing about it.
	q.Faults.Add(quaytest.Fault{Path: "/immutabilitypolicy/", Times: -1, Effect: quaytest.Status(http.StatusForbidden, nil, `{"error_message":"Unauthorized"}`)})
	if _, err := c.ImmutabilityPolicies(t.Context(), "team-a"); errors.Is(err, quay.ErrNoImmutability) || !quay.IsForbidden(err) {
		t.Errorf("without the right: %v", err)
	}
}

func TestKeeps(t *testing.T) {
	const anchor, other = "digest-0123456789abcdef0123456789abcdef", "digest-fedcba9876543210fedcba9876543210"
	for _, test := range []struct {
		pattern string
		matches bool
		want    bool
	}{
		{reference.AnchorPattern, true, true}, {reference.AnchorPattern, false, false}, {".*", true, true}, {"digest-.*", true, true}, {"digest-", true, false},
		{"digest-0.*", true, false}, {"main|latest", false, true}, {"v1|digest-.+", true, true}, {"(?<!x)digest-.*", true, false}, {"(", false, false},
	} {
		if got := (quay.ImmutabilityPolicy{Pattern: test.pattern, Matches: test.matches}).Keeps(anchor, other); got != test.want {
			t.Errorf("%q, matches %t: keeps both: %t", test.pattern, test.matches, got)
		}
	}
}
