package netns

import (
	"context"
	"io"
	"net"
)

// Relay passes every connection that listener accepts, outside, on to a TCP address inside the namespace, until the
// listener is closed.
func (n *Namespace) Relay(ctx context.Context, listener net.Listener, address string) error {
	for {
		outside, err := listener.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer outside.Close()
			inside, err := n.Dial(ctx, address)
			if err != nil {
				return // the client sees the connection end, as from a server that is not up yet
			}
			defer inside.Close()
			done := make(chan struct{}, 2)
			go pass(inside, outside, done)
			go pass(outside, inside, done)
			<-done
			<-done
		}()
	}
}

// pass copies until the end and hands that end on: a half-closed connection stays half open, as kubectl's streams need.
func pass(to, from net.Conn, done chan<- struct{}) {
	_, _ = io.Copy(to, from)
	_ = to.(*net.TCPConn).CloseWrite()
	done <- struct{}{}
}
