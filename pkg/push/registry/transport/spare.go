package transport

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"time"
)

// spareLife is how long a connection may wait for its use: nginx ends one that asks for nothing after a minute.
const spareLife = 20 * time.Second

// spares are connections that are dialed before they are needed. nginx in front of Quay ends every HTTP/1.1 connection
// after one request about blobs, and a new one takes two round trips; dialed while the upload is asked for, it takes none.
type spares struct {
	dial func(ctx context.Context, network, addr string) (net.Conn, error)

	mu      sync.Mutex
	waiting []*spare
	wanted  int
	closed  bool
}

// spare is one connection; conn and err are there once done is closed.
type spare struct {
	addr string
	done chan struct{}
	conn net.Conn
	err  error
	born time.Time
}

// want starts to dial addr, if there are not enough spares for all who want one. Whoever calls it calls release when the
// next thing is to use the connection, or when none is needed. ctx ends the dialing.
func (s *spares) want(ctx context.Context, addr string) (release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wanted++
	if len(s.waiting) < s.wanted && !s.closed {
		one := &spare{addr: addr, done: make(chan struct{}), born: time.Now()}
		s.waiting = append(s.waiting, one)
		go func() {
			defer close(one.done)
			one.conn, one.err = s.dial(ctx, "tcp", addr)
		}()
	}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.wanted--
	}
}

// get returns a spare connection to addr, or a new one. It is for http.Transport.
func (s *spares) get(ctx context.Context, network, addr string) (net.Conn, error) {
	for one := s.take(addr); one != nil; one = s.take(addr) {
		select {
		case <-one.done:
		case <-ctx.Done():
			go one.close()
			return nil, ctx.Err()
		}
		if one.err == nil && time.Since(one.born) < spareLife {
			return one.conn, nil
		}
		one.close()
	}
	return s.dial(ctx, network, addr)
}

// take removes the oldest spare for addr; nil if there is none.
func (s *spares) take(addr string) *spare {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, one := range s.waiting {
		if one.addr == addr {
			s.waiting = slices.Delete(s.waiting, i, i+1)
			return one
		}
	}
	return nil
}

// close closes what was not used, and dials nothing ahead any more.
func (s *spares) close() {
	s.mu.Lock()
	waiting := s.waiting
	s.waiting, s.closed = nil, true
	s.mu.Unlock()
	for _, one := range waiting {
		one.close()
	}
}

// close waits for the dialing, which has its limits, and closes the connection.
func (o *spare) close() {
	<-o.done
	if o.conn != nil {
		o.conn.Close()
	}
}

// dialAddr is the host and port that net/http dials for a host of HTTPS.
func dialAddr(host string) string {
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), "443")
}
