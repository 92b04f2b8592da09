package retention_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/reference"
	"github.com/comptech-lab/quay-push/pkg/retention"
	"github.com/comptech-lab/quay-push/pkg/secret"
)

// large is a Quay with one repository of 10,000 tags, a page of which it may not answer. One in a hundred is an anchor.
type large struct {
	broken  int
	changes atomic.Int32
}

const many = 10_000

func (q *large) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	page, _ := strconv.Atoi(r.URL.Query().Get("page"))
	answer := map[string]any{}
	switch {
	case r.Method != http.MethodGet:
		q.changes.Add(1)
		w.WriteHeader(http.StatusNoContent)
		return
	case strings.HasSuffix(r.URL.Path, "/organization/team-a"):
		answer = map[string]any{"name": "team-a", "is_admin": true}
	case strings.HasSuffix(r.URL.Path, "/repository"):
		answer["repositories"] = []map[string]any{{"namespace": "team-a", "name": "app", "state": "NORMAL"}}
	case page == q.broken:
		http.Error(w, `{"message": "Internal Server Error"}`, http.StatusInternalServerError)
		return
	default:
		tags := []map[string]any{}
		for i := (page - 1) * 100; i < min(page*100, many); i++ {
			digest := fmt.Sprintf("sha256:%032x%032x", i/100, 0)
			name := "v" + strconv.Itoa(i)
			if i%100 == 0 {
				name = reference.Anchor(digest)
			} else {
				digest = fmt.Sprintf("sha256:%032x%032x", many+i, 0)
			}
			tags = append(tags, map[string]any{"name": name, "manifest_digest": digest, "start_ts": ago(90*day).Unix() - int64(i), "immutable": i%100 == 0})
		}
		answer["tags"], answer["has_additional"] = tags, page*100 < many
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		panic(err)
	}
}

// A repository of many pages is read whole; where Quay answers with 500 on one of them, none of its anchors goes.
func TestPages(t *testing.T) {
	for broken, want := range map[int]struct{ gone, gaps int }{0: {100, 0}, 57: {0, 1}, 100: {0, 1}} {
		q := &large{broken: broken}
		server := httptest.NewServer(q)
		client, err := quay.New(quay.Options{URL: server.URL, Token: secret.New("x"), Rate: 10_000, Pause: time.Microsecond})
		if err != nil {
			t.Fatal(err)
		}
		r := retention.Collect(t.Context(), client, retention.Options{Organizations: []string{"team-a"}, Sources: []retention.Source{nobody{}}, Grace: grace, DryRun: broken == 0, Now: func() time.Time { return now }})
		server.Close()
		if r.Count(retention.LetGo) != want.gone || len(r.Gaps) != want.gaps || q.changes.Load() != 0 {
			t.Errorf("page %d: %d go, gaps %v, %d changes", broken, r.Count(retention.LetGo), r.Gaps, q.changes.Load())
		}
	}
}
