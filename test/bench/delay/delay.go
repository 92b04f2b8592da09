// Package delay is a TCP relay that makes a round trip longer and leaves the bandwidth alone, where the kernel has no netem.
package delay

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

const (
	// chunk is the most that is read at once, in bytes.
	chunk = 64 << 10
	// inFlight is the most that is under way in one direction of one connection, in bytes. At the longest delay in use,
	// 50 ms one way, that is 320 MB/s for each connection, and ten times as much at 5 ms.
	inFlight = 16 << 20
)

// Relay passes connections on to one address, each byte half a round trip late in both directions.
type Relay struct {
	listener net.Listener
	to       string
	rtt      time.Duration
	stop     context.CancelFunc
	running  sync.WaitGroup
}

// Start listens on a free port of 127.0.0.1 and relays to the address to until Close.
func Start(to string, rtt time.Duration) (*Relay, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening for relay: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &Relay{listener: listener, to: to, rtt: rtt, stop: stop}
	r.running.Go(func() { r.accept(ctx) })
	return r, nil
}

// Addr is the host and port to connect to.
func (r *Relay) Addr() string { return r.listener.Addr().String() }

// Close ends every connection and waits for that.
func (r *Relay) Close() error {
	r.stop()
	err := r.listener.Close()
	r.running.Wait()
	return err
}

func (r *Relay) accept(ctx context.Context) {
	for {
		near, err := r.listener.Accept()
		if err != nil {
			return
		}
		r.running.Go(func() { r.relay(ctx, near, time.Now()) })
	}
}

// relay serves one connection that was accepted at the given time.
func (r *Relay) relay(ctx context.Context, near net.Conn, accepted time.Time) {
	defer near.Close()
	far, err := (&net.Dialer{}).DialContext(ctx, "tcp", r.to)
	if err != nil {
		return
	}
	defer far.Close()
	defer context.AfterFunc(ctx, func() { near.Close(); far.Close() })()
	var both sync.WaitGroup
	// The kernel accepts at once what a real connection needs a round trip for: the client's first bytes pay for it.
	both.Go(func() { pass(ctx, far, near, r.rtt/2, accepted.Add(r.rtt)) })
	both.Go(func() { pass(ctx, near, far, r.rtt/2, accepted) })
	both.Wait()
}

// packet is a chunk and when it arrives.
type packet struct {
	data []byte
	due  time.Time
}

var buffers = sync.Pool{New: func() any { return new([chunk]byte) }}

// pass copies from one connection to the other, each byte the given time late; none starts before notBefore.
func pass(ctx context.Context, to, from net.Conn, late time.Duration, notBefore time.Time) {
	queue := newQueue()
	var reading sync.WaitGroup
	reading.Go(func() {
		defer queue.end()
		for {
			buffer := buffers.Get().(*[chunk]byte)[:]
			n, err := from.Read(buffer)
			if n > 0 {
				sent := time.Now()
				if sent.Before(notBefore) {
					sent = notBefore
				}
				queue.push(packet{buffer[:n], sent.Add(late)})
			}
			if err != nil {
				return
			}
		}
	})
	err := deliver(ctx, to, queue)
	if half, ok := to.(interface{ CloseWrite() error }); ok && err == nil {
		half.CloseWrite()
	} else {
		// Nobody takes what still comes.
		from.Close()
		queue.drain()
	}
	reading.Wait()
}

// deliver writes what is in the queue when it is due.
func deliver(ctx context.Context, to io.Writer, queue *queue) error {
	for {
		p, ok := queue.pop()
		if !ok {
			return nil
		}
		if wait := time.Until(p.due); wait > 0 {
			select {
			case <-time.After(wait):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		_, err := to.Write(p.data)
		buffers.Put((*[chunk]byte)(p.data[:chunk]))
		if err != nil {
			return err
		}
	}
}
