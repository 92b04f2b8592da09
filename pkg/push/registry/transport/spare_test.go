package transport

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"
)

// dialer makes connections that know whether they are closed.
type dialer struct {
	dials atomic.Int32
	open  atomic.Int32
	fail  atomic.Bool
	block chan struct{} // dialing waits for it, if it is there
}

type countedConn struct {
	net.Conn
	d *dialer
}

func (c *countedConn) Close() error {
	c.d.open.Add(-1)
	return nil
}

func (d *dialer) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	d.dials.Add(1)
	if d.block != nil {
		select {
		case <-d.block:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if d.fail.Load() {
		return nil, errors.New("no route")
	}
	d.open.Add(1)
	return &countedConn{d: d}, nil
}

func (d *dialer) check(t *testing.T, dials, open int32) {
	t.Helper()
	if got := d.dials.Load(); got != dials {
		t.Errorf("%d connections were dialed, want %d", got, dials)
	}
	if got := d.open.Load(); got != open {
		t.Errorf("%d connections are open, want %d", got, open)
	}
}

// What is dialed ahead is what the next request gets; without it, one is dialed.
func TestSpare(t *testing.T) {
	d := &dialer{}
	s := &spares{dial: d.dial}
	s.want(t.Context(), "q:443")()
	for range 2 {
		if _, err := s.get(t.Context(), "tcp", "q:443"); err != nil {
			t.Fatal(err)
		}
	}
	d.check(t, 2, 2)
	s.want(t.Context(), "q:443")()
	if _, err := s.get(t.Context(), "tcp", "other:443"); err != nil {
		t.Fatal(err)
	}
	s.close()
	d.check(t, 4, 3)
}

// Blobs that turn out to be there leave no more connections behind than workers.
func TestSparesOfNobody(t *testing.T) {
	d := &dialer{}
	s := &spares{dial: d.dial}
	for range 50 {
		one, two := s.want(t.Context(), "q:443"), s.want(t.Context(), "q:443")
		one()
		two()
	}
	s.close()
	d.check(t, 2, 0)
	s.want(t.Context(), "q:443")()
	d.check(t, 2, 0)
}

// A spare that failed, or waited too long, is replaced.
func TestSpareThatIsNoUse(t *testing.T) {
	d := &dialer{}
	d.fail.Store(true)
	s := &spares{dial: d.dial}
	s.want(t.Context(), "q:443")()
	<-s.waiting[0].done
	d.fail.Store(false)
	if _, err := s.get(t.Context(), "tcp", "q:443"); err != nil {
		t.Error(err)
	}
	d.check(t, 2, 1)
	s.want(t.Context(), "q:443")()
	s.waiting[0].born = time.Now().Add(-2 * spareLife)
	if _, err := s.get(t.Context(), "tcp", "q:443"); err != nil {
		t.Error(err)
	}
	d.check(t, 4, 2)
}

// Whoever waits for a spare can be stopped, and the connection is not lost.
func TestSpareThatTakesLong(t *testing.T) {
	d := &dialer{block: make(chan struct{})}
	s := &spares{dial: d.dial}
	s.want(t.Context(), "q:443")()
	slow := s.waiting[0]
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.get(ctx, "tcp", "q:443"); !errors.Is(err, context.Canceled) {
		t.Errorf("get = %v", err)
	}
	close(d.block)
	<-slow.done
	for d.open.Load() > 0 {
		time.Sleep(time.Millisecond)
	}
	d.check(t, 1, 0)
}

func TestDialAddr(t *testing.T) {
	for host, want := range map[string]string{"q.io": "q.io:443", "q.io:8443": "q.io:8443", "[::1]": "[::1]:443", "[::1]:80": "[::1]:80"} {
		if got := dialAddr(host); got != want {
			t.Errorf("dialAddr(%q) = %q, want %q", host, got, want)
		}
	}
}
