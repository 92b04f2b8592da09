// Package netns is a network of one's own: a namespace that lives as long as the processes in it.
package netns

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"
)

// Namespace is a network namespace. It has no name under /run/netns, so nothing is left when its last process ends.
type Namespace struct {
	inside, outside *os.File
}

// New returns a new, empty network namespace; the caller stays in its own.
func New() (*Namespace, error) {
	runtime.LockOSThread()
	outside, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		runtime.UnlockOSThread()
		return nil, err
	}
	// Where this fails half-way the thread stays locked, and ends with its goroutine.
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return nil, fmt.Errorf("creating a network namespace: %w", err)
	}
	inside, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return nil, err
	}
	if err := unix.Setns(int(outside.Fd()), unix.CLONE_NEWNET); err != nil {
		return nil, fmt.Errorf("leaving the new network namespace: %w", err)
	}
	runtime.UnlockOSThread()
	return &Namespace{inside: inside, outside: outside}, nil
}

// Do calls f on a thread that is in the namespace. Sockets and processes that f makes belong to the namespace for good;
// goroutines that it starts do not.
func (n *Namespace) Do(f func() error) error {
	runtime.LockOSThread()
	if err := unix.Setns(int(n.inside.Fd()), unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("entering the network namespace: %w", err)
	}
	err := f()
	if back := unix.Setns(int(n.outside.Fd()), unix.CLONE_NEWNET); back != nil {
		// The thread must not be used by anyone else: locked, it ends with this goroutine.
		return fmt.Errorf("leaving the network namespace: %w", back)
	}
	runtime.UnlockOSThread()
	return err
}

// Start starts the command in the namespace.
func (n *Namespace) Start(command *exec.Cmd) error {
	return n.Do(command.Start)
}

// Dial connects to a TCP address, an IP and a port, inside the namespace.
func (n *Namespace) Dial(ctx context.Context, address string) (connection net.Conn, err error) {
	err = n.Do(func() error {
		connection, err = new(net.Dialer).DialContext(ctx, "tcp", address)
		return err
	})
	return connection, err
}

// Listen listens on a TCP address inside the namespace.
func (n *Namespace) Listen(address string) (listener net.Listener, err error) {
	err = n.Do(func() error {
		listener, err = net.Listen("tcp", address)
		return err
	})
	return listener, err
}

// ListenPacket listens on a UDP address inside the namespace.
func (n *Namespace) ListenPacket(address string) (connection net.PacketConn, err error) {
	err = n.Do(func() error {
		connection, err = net.ListenPacket("udp", address)
		return err
	})
	return connection, err
}
