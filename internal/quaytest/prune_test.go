package quaytest_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/internal/quaytest"
)

// pruned is a Quay with the tags v0 to v4, a day apart, an immutable one and
// one of cosign's that are the oldest, and one more day.
func pruned(t *testing.T) *quaytest.Quay {
	q, token := start(t)
	q.AddImmutability("team-a", "fixed", true)
	for _, tag := range []string{"fixed", "sha256-" + strings.Repeat("a", 64) + ".sig", "v0", "v1", "v2", "v3", "v4"} {
		c := pusher(t, q, token, app)
		c.put(app, tag, ociManifest, c.manifest(app, nil, nil, nil)).want(t, http.StatusCreated, "")
		q.Advance(day)
	}
	return q
}

// data/model/oci/tag.py, fetch_paginated_autoprune_repo_tags_by_number and …_older_than_ms.
func TestPrune(t *testing.T) {
	for _, test := range []struct {
		where, method, value, pattern string
		matches                       bool
		want                          string
	}{
		{"team-a", "number_of_tags", "2", "", true, "v0 v1 v2"},
		{"team-a/app", "number_of_tags", "2", "", true, "v0 v1 v2"},
		{"team-a", "number_of_tags", "5", "", true, ""},
		{"team-a", "number_of_tags", "1", "[012]", true, "v0 v1"},
		{"team-a", "number_of_tags", "1", "[012]", false, "v3"},
		{"team-a", "creation_date", "80h", "", true, "v0 v1"},
		{"team-a", "creation_date", "1h", "v3", false, "v0 v1 v2 v4"},
		{"team-a", "creation_date", "1h", "v", true, "v0 v1 v2 v3 v4"},
		{"team-a", "creation_date", "52w", "", true, ""},
	} {
		t.Run(fmt.Sprint(test), func(t *testing.T) {
			q := pruned(t)
			uuid := q.AddAutoPrune(test.where, test.method, test.value, test.pattern, test.matches)
			if got := q.AutoPrunes(test.where); len(got) != 1 || got[0].UUID != uuid || got[0].Method != test.method {
				t.Errorf("policies are %v", got)
			}
			want := []string{}
			for _, tag := range strings.Fields(test.want) {
				want = append(want, app+":"+tag)
			}
			before := len(q.Tags(app))
			if diff := cmp.Diff(want, q.Prune()); diff != "" {
				t.Errorf("pruned (-want +got):\n%s", diff)
			}
			if left := q.Tags(app); len(left) != before-len(want) || left["fixed"] == "" {
				t.Errorf("%v are left", slices.Sorted(maps.Keys(left)))
			}
			if again := q.Prune(); len(again) != 0 {
				t.Errorf("pruned again: %v", again)
			}
		})
	}
}

// Those by age go first, then those beyond the number; the default policy is for all.
func TestPruneInOrder(t *testing.T) {
	q := pruned(t)
	q.AddAutoPrune("team-a", "number_of_tags", "4", "", true)
	q.AddAutoPrune("team-a/app", "creation_date", "4d", "v0", true)
	if diff := cmp.Diff([]string{"team-a/app:v0"}, q.Prune()); diff != "" {
		t.Errorf("pruned (-want +got):\n%s", diff)
	}
	q.SetDefaultAutoPrune(&quaytest.AutoPrune{Method: "number_of_tags", Value: 3.0, Matches: true})
	if diff := cmp.Diff([]string{"team-a/app:v1"}, q.Prune()); diff != "" {
		t.Errorf("pruned (-want +got):\n%s", diff)
	}
	q.SetState(app, quaytest.ReadOnly)
	q.AddAutoPrune("team-a", "creation_date", "1s", "", true)
	q.Advance(time.Hour)
	if ended := q.Prune(); len(ended) != 0 {
		t.Errorf("pruned %v of a repository that is read-only", ended)
	}
	q.SetState(app, quaytest.Normal)
	q.SetAutoPrune(false)
	if ended := q.Prune(); len(ended) != 0 {
		t.Errorf("pruned %v with the feature off", ended)
	}
	admin(t, q).do(http.MethodGet, "/api/v1/organization/team-a/autoprunepolicy/", "").want(t, http.StatusNotFound, "not found")
}
