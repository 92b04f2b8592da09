package quay_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/reference"
)

// The policies of Quay, of an organization and of a repository are read, and there are none where Quay does not prune.
func TestPrunePolicies(t *testing.T) {
	q, c := start(t)
	q.AddAutoPrune("team-a", "number_of_tags", "10", "", true)
	q.AddAutoPrune("team-a", "creation_date", "7d", "^pr-", false)
	q.AddAutoPrune("team-a/app", "creation_date", "2w", "^pr-", true)
	q.SetDefaultAutoPrune(&quaytest.AutoPrune{Method: "number_of_tags", Value: 5.0})
	for what, test := range map[string]struct {
		read func() ([]quay.PrunePolicy, error)
		want []quay.PrunePolicy
	}{
		"organization": {func() ([]quay.PrunePolicy, error) { return c.PrunePolicies(t.Context(), "team-a") },
			[]quay.PrunePolicy{{"number_of_tags", "10", "", true}, {"creation_date", "7d", "^pr-", false}}},
		"repository": {func() ([]quay.PrunePolicy, error) { return c.RepositoryPrunePolicies(t.Context(), "team-a/app") },
			[]quay.PrunePolicy{{"creation_date", "2w", "^pr-", true}}},
	} {
		got, err := test.read()
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", what, err, diff)
		}
		q.Faults.Add(quaytest.Fault{Path: "/autoprunepolicy/", Effect: quaytest.Status(http.StatusForbidden, nil, `{"error_message":"Unauthorized"}`)})
		if got, err := test.read(); !quay.IsForbidden(err) || got != nil {
			t.Errorf("%s, without the right: %v, %v", what, got, err)
		}
		q.Faults.Clear()
		q.SetAutoPrune(false)
		if got, err := test.read(); err != nil || len(got) > 0 {
			t.Errorf("%s, without the feature: %v, %v", what, got, err)
		}
		q.SetAutoPrune(true)
	}
	settings, err := c.Config(t.Context())
	if err != nil || !settings.Features["AUTO_PRUNE"] {
		t.Fatalf("settings %v, %v", settings, err)
	}
	if diff := cmp.Diff(&quay.PrunePolicy{"number_of_tags", "5", "", true}, settings.DefaultPrunePolicy()); diff != "" {
		t.Errorf("the default (-want +got):\n%s", diff)
	}
	q.SetDefaultAutoPrune(nil)
	if settings, err = c.Config(t.Context()); err != nil || settings.DefaultPrunePolicy() != nil {
		t.Errorf("without a default: %+v, %v", settings.DefaultPrunePolicy(), err)
	}
}

func TestPrunePolicy(t *testing.T) {
	const anchor, tag = "digest-0123456789abcdef0123456789abcdef", "v1"
	for _, test := range []struct {
		policy      quay.PrunePolicy
		anchor, tag bool
		says        string
	}{
		{quay.PrunePolicy{"number_of_tags", "10", "", true}, true, true, "leaves the newest 10 tags"},
		{quay.PrunePolicy{"number_of_tags", "10", "", false}, true, true, "leaves the newest 10 tags"},
		{quay.PrunePolicy{"creation_date", "7d", "^v", true}, false, true, `takes tags that match "^v" after 7d`},
		{quay.PrunePolicy{"creation_date", "7d", "^v", false}, true, false, `takes tags that do not match "^v" after 7d`},
		{quay.PrunePolicy{"creation_date", "7d", "^" + reference.AnchorPattern + "$", false}, false, true, `takes tags that do not match "^digest-[0-9a-f]{32}$" after 7d`},
		{quay.PrunePolicy{"number_of_tags", "1", "abc", true}, true, false, `leaves the newest 1 tags that match "abc"`},
		{quay.PrunePolicy{"number_of_tags", "1", "(?=d)", true}, true, true, `leaves the newest 1 tags that match "(?=d)"`},
		{quay.PrunePolicy{"size", "1", "", true}, true, true, `takes tags by "size" 1`},
	} {
		if a, v := test.policy.Takes(anchor), test.policy.Takes(tag); a != test.anchor || v != test.tag || test.policy.Takes(tag, anchor) != (a || v) || test.policy.String() != test.says {
			t.Errorf("%s: takes the anchor: %t, the tag: %t; want %s", test.policy, a, v, test.says)
		}
	}
}
