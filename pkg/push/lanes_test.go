package push_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// crowd counts how many requests are answered at the same time, and lets the first ones wait for each other.
type crowd struct {
	mu        sync.Mutex
	now, most int
	together  chan struct{} // closed when wanted are there
	wanted    int
}

func newCrowd(wanted int) *crowd { return &crowd{wanted: wanted, together: make(chan struct{})} }

func (c *crowd) effect(_ *quaytest.Quay, w http.ResponseWriter, r *http.Request, next http.Handler) {
	c.mu.Lock()
	c.now++
	c.most = max(c.most, c.now)
	if c.now == c.wanted && c.most == c.wanted {
		select {
		case <-c.together:
		default:
			close(c.together)
		}
	}
	c.mu.Unlock()
	select {
	case <-c.together:
	case <-time.After(10 * time.Second):
	}
	next.ServeHTTP(w, r)
	c.mu.Lock()
	c.now--
	c.mu.Unlock()
}

// With one job, one large blob and three small ones are under way at the same time, and never more.
func TestSmallBlobsGoSideBySide(t *testing.T) {
	f := newFixture(t)
	f.opts.Jobs = 1
	sizes := []int{large, large + 1, large + 2}
	for i := range 12 {
		sizes = append(sizes, small+i)
	}
	writeLayout(t, f.layout, sizes...)
	// A large blob asks by POST, too, but sends by PUT.
	starts, bodies := newCrowd(4), newCrowd(1)
	f.Faults.Add(
		quaytest.Fault{Name: "start", Method: "POST", Path: onUpload, Times: -1, Effect: starts.effect},
		quaytest.Fault{Name: "body", Method: "PUT", Path: onUpload, Times: -1, Effect: bodies.effect})
	f.push()
	if starts.most != 4 {
		t.Errorf("%d uploads were started at the same time, want 3 small ones and a large one", starts.most)
	}
	if bodies.most != 1 {
		t.Errorf("%d large blobs were sent at the same time, want 1", bodies.most)
	}
}

// What an earlier push left is not sent again, and asking for it renews its lease: here that would end before the manifest.
func TestAskingRenewsTheLease(t *testing.T) {
	f := newFixture(t)
	f.Faults.Add(quaytest.Fault{Name: "no manifest", Method: "PUT", Path: onManifest,
		Effect: quaytest.Status(http.StatusUnsupportedMediaType, nil, `{"errors":[{"code":"MANIFEST_INVALID"}]}`)})
	f.fail(failure.ClassManifestRefused)
	const most = quaytest.LeaseDuration * 3 / 4
	f.Advance(most)
	f.Faults.Add(quaytest.Fault{Name: "time passes", Method: "PUT", Path: onManifest, Effect: quaytest.Do(func() { f.Advance(most) })})
	f.push()
	if n := f.count("PUT", onUpload); n != 1 {
		t.Errorf("the large blob was sent %d times, want once", n)
	}
}
