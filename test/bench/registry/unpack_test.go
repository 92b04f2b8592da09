package registry

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"
)

// taken is what a blob with that content waits for, without waiting.
func taken(t *testing.T, method string, content io.Reader) time.Duration {
	t.Helper()
	var all time.Duration
	u := newUnpacking(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Error(err)
		}
	}))
	u.wait = func(_ context.Context, d time.Duration) { all += d }
	u.ServeHTTP(nil, httptest.NewRequest(method, "/v2/a/b/blobs/uploads/x", content))
	return all
}

// mixed is content of which gzip leaves about that much: noise, and letters that say nothing.
func mixed(ratio float64, size int) []byte {
	random := rand.NewChaCha8([32]byte{29})
	content := make([]byte, size)
	const run = 4 << 10
	for at := 0; at+run <= size; at += run {
		random.Read(content[at : at+int(ratio*run)])
	}
	return content
}

// members are gzip members with those contents.
func members(t *testing.T, contents ...[]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, content := range contents {
		w, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
		if err != nil {
			t.Fatal(err)
		}
		w.Write(content)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// The waits are the figures of Quay's own handler, whatever machine runs this, and however the blob comes in.
func TestUnpackingTakesWhatQuayTakes(t *testing.T) {
	for _, figure := range []struct{ ratio, rate float64 }{{0.84, 94}, {0.30, 68}, {0.20, 52}} {
		plain := mixed(figure.ratio, 8<<20)
		packed := members(t, plain)
		ratio := float64(len(packed)) / float64(len(plain))
		if ratio < figure.ratio*0.95 || ratio > figure.ratio*1.05 {
			t.Fatalf("gzip leaves %.3f, want %.2f", ratio, figure.ratio)
		}
		for name, r := range map[string]io.Reader{"whole": bytes.NewReader(packed), "in parts": iotest.HalfReader(bytes.NewReader(packed))} {
			took := taken(t, http.MethodPut, r)
			rate := float64(len(packed)) / took.Seconds() / 1e6
			if rate < figure.rate*0.92 || rate > figure.rate*1.08 {
				t.Errorf("%.2f, %s: %.1f MB/s, Quay's was %.0f", figure.ratio, name, rate, figure.rate)
			}
		}
	}
}

func TestUnpackingSeveralMembers(t *testing.T) {
	for _, figure := range []struct {
		mib  int
		took float64
	}{{8, 0.34}, {16, 1.07}, {32, 4.93}} {
		packed := members(t, []byte("a directory"), mixed(1, figure.mib<<20))
		if took := taken(t, http.MethodPatch, bytes.NewReader(packed)).Seconds(); took < figure.took*0.8 || took > figure.took*1.2 {
			t.Errorf("%d MiB take %.2f s, with Quay it was %.2f s", figure.mib, took, figure.took)
		}
	}
}

// What is not gzip, and what is not sent, is not waited for.
func TestUnpackingNothing(t *testing.T) {
	packed := members(t, mixed(0.5, 4<<20))
	for name, test := range map[string]struct {
		method string
		body   string
		waits  bool
	}{
		"gzip":            {http.MethodPut, string(packed), true},
		"half a header":   {http.MethodPut, "\x1f\x8b", false},
		"zstd":            {http.MethodPut, "\x28\xb5\x2f\xfd" + string(packed), false},
		"a tar file":      {http.MethodPut, strings.Repeat("\x00", 1<<20), false},
		"a second chunk":  {http.MethodPatch, string(packed[1<<20:]), false},
		"nothing":         {http.MethodPut, "", false},
		"asking for more": {http.MethodGet, string(packed), false},
	} {
		if took := taken(t, test.method, strings.NewReader(test.body)); (took > time.Millisecond) != test.waits {
			t.Errorf("%s takes %v", name, took)
		}
	}
}

// One blob waits for real, in turns; no more of them at once than there are processors.
func TestUnpackingTakesProcessors(t *testing.T) {
	var now, most atomic.Int32
	u := newUnpacking(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) }))
	together := make(chan struct{})
	u.wait = func(context.Context, time.Duration) {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
			if n == processors {
				close(together)
			}
		}
		<-together
		now.Add(-1)
	}
	packed := members(t, mixed(0.5, 4<<20))
	done := make(chan struct{})
	for range 2 * processors {
		go func() {
			defer func() { done <- struct{}{} }()
			u.ServeHTTP(nil, httptest.NewRequest(http.MethodPut, "/v2/a/b/blobs/uploads/x", bytes.NewReader(packed)))
		}()
	}
	for range 2 * processors {
		<-done
	}
	if most.Load() != processors {
		t.Errorf("%d blobs were worked on at once, want %d", most.Load(), processors)
	}
}

// A registry that unpacks takes what it waits for, and stores what it gets.
func TestUnpackingRegistry(t *testing.T) {
	if _, err := exec.LookPath("nginx"); err != nil {
		t.Skip("nginx is not installed")
	}
	packed := members(t, mixed(0.5, 8<<20))
	want := seconds(perPacked*float64(len(packed)) + perUnpacked*8*(1<<20))
	for unpacks, least := range map[bool]time.Duration{true: want * 9 / 10, false: 0} {
		r, err := Start(t.Context(), t.TempDir(), Options{Unpacks: unpacks})
		if err != nil {
			t.Fatal(err)
		}
		c := client(t, r, false)
		push := token(t, c, r, "repository:a/b:pull,push")
		started, _ := do(t, c, "POST", "https://"+r.Host+"/v2/a/b/blobs/uploads/", push, "")
		began := time.Now()
		got, body := do(t, c, "PUT", started.Header.Get("Location")+"&digest="+digest(packed), push, string(packed))
		if took := time.Since(began); got.StatusCode != http.StatusCreated || took < least {
			t.Errorf("unpacks %v: %d %s after %v, want at least %v", unpacks, got.StatusCode, body, took, least)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

func digest(content []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(content)) }
