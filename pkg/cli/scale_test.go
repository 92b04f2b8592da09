//go:build scale

package cli_test

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/pkg/cli"
)

// What a Quay without rate limits is asked at most, per second and at once.
const perSecond, atOnce = 120, 60

// cost is what verify --all took, asked of Quay, and still held when it printed its result, in bytes.
type cost struct {
	took     time.Duration
	requests int
	held     int64
}

// verifyAll runs verify --all over n tenants, all of which are right.
func verifyAll(t *testing.T, n int) (c cost) {
	w := newWorld(t)
	w.populate(n)
	w.quay.ForgetRequests()
	p := w.program()
	var before uint64
	var out strings.Builder
	p.Err, p.Out = io.Discard, watch(func(text string) {
		if c.held == 0 {
			c.requests = len(w.quay.Requests())
			w.forget()
			c.held = int64(heap()) - int64(before)
		}
		out.WriteString(text)
	})
	before = heap()
	began := time.Now()
	exit := p.Run(t.Context(), []string{"verify", "--all"})
	c.took = time.Since(began)
	runtime.KeepAlive(w)
	if last := fmt.Sprintf("%d tenants, %d are right\n", n, n); exit != cli.ExitOK || !strings.HasSuffix(out.String(), last) {
		t.Fatalf("exit %d, it ends with %.200q", exit, out.String()[max(0, out.Len()-200):])
	}
	t.Logf("%d tenants: %s, %d requests to Quay, %.0f per second, %d KiB held", n, c.took.Round(100*time.Millisecond), c.requests,
		float64(c.requests)/c.took.Seconds(), c.held>>10)
	if most := atOnce + perSecond*c.took.Seconds(); float64(c.requests) > most {
		t.Errorf("%d requests to Quay in %s, want %.0f at most", c.requests, c.took, most)
	}
	return c
}

// forget takes out of memory what the doubles wrote down.
func (w *world) forget() {
	w.quay.ForgetRequests()
	w.kube.ClearActions()
	w.dynamic.ClearActions()
	w.tekton.ClearActions()
}

// heap is the memory in use, in bytes.
func heap() uint64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// A platform of 1,000 tenants is verified within a minute and a quarter, Quay is asked no faster than is allowed, each tenant costs the same, and
// what is held of a tenant is small.
func TestVerifyAllOfAThousandTenants(t *testing.T) {
	few, many := verifyAll(t, 100), verifyAll(t, 1000)
	if many.took > 75*time.Second {
		t.Errorf("it took %s", many.took)
	}
	if many.requests > 10*few.requests {
		t.Errorf("%d requests to Quay for 1,000 tenants, %d for 100", many.requests, few.requests)
	}
	const perTenant = 8 << 10
	if more := many.held - few.held; more > 900*perTenant {
		t.Errorf("900 tenants more hold %d bytes", more)
	}
}
