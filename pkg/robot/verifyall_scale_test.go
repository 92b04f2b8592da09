//go:build scale

package robot_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/robot"
)

// A platform of 1,000 tenants is verified in less than a minute at 120 requests per second, and no faster than that; what
// is kept of a tenant is small.
func TestVerifyAllOfAThousandTenants(t *testing.T) {
	const tenants, perSecond = 1000, 120
	w := newWorld(t)
	all := w.tenants(tenants)
	s := w.observer()
	limited, err := quay.New(quay.Options{URL: w.quay.URL(), Token: w.quay.AddOAuthToken(oauthScopes), HTTPClient: w.quay.Client(), Rate: perSecond})
	if err != nil {
		t.Fatal(err)
	}
	s.Quay = limited
	w.quay.ForgetRequests()
	before, began := heap(), time.Now()
	reports, err := robot.VerifyAll(t.Context(), s, all)
	took := time.Since(began)
	if err != nil {
		t.Fatal(err)
	}
	requests := len(w.quay.Requests())
	w.quay.ForgetRequests()
	kept := (int64(heap()) - int64(before)) / tenants
	for _, r := range reports {
		if !r.OK() {
			t.Fatalf("team %s: %q", r.Tenant, wrong(r))
		}
	}
	rate := float64(requests) / took.Seconds()
	t.Logf("%s, %d requests to Quay, %.0f per second, %d bytes kept per tenant", took.Round(time.Second), requests, rate, kept)
	if took > time.Minute || rate > perSecond*1.05 || kept > 32<<10 {
		t.Error("too slow, too fast or too big")
	}
}

// heap is the memory in use, in bytes.
func heap() uint64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
