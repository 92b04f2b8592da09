package delay

import (
	"bytes"
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"
)

// echo serves connections that get back what they send, until the test ends.
func echo(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer conn.Close()
				io.Copy(conn, conn)
				conn.(*net.TCPConn).CloseWrite()
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		running.Wait()
	})
	return listener.Addr().String()
}

// dial connects to echo by a relay with the given round trip.
func dial(t *testing.T, rtt time.Duration) net.Conn {
	t.Helper()
	to := echo(t)
	relay, err := Start(to, rtt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := relay.Close(); err != nil {
			t.Error(err)
		}
	})
	conn, err := net.Dial("tcp", relay.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// The first answer takes two round trips, one of them for the connection, and every further one takes one.
func TestRoundTrips(t *testing.T) {
	const rtt = 30 * time.Millisecond
	began := time.Now()
	conn := dial(t, rtt)
	for i, least := range []time.Duration{2 * rtt, rtt, rtt} {
		if _, err := conn.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < least || took > least+10*rtt {
			t.Errorf("answer %d took %v, want a little over %v", i, took, least)
		}
		began = time.Now()
	}
}

// Content arrives whole and in order, also more than may be under way, and its end does too.
func TestContent(t *testing.T) {
	const seed = 20261124
	t.Logf("seed %d", seed)
	content := make([]byte, 3*inFlight+12345)
	rand.NewChaCha8([32]byte{seed % 256}).Read(content)
	conn := dial(t, 2*time.Millisecond)
	var writing sync.WaitGroup
	writing.Go(func() {
		if _, err := io.Copy(conn, bytes.NewReader(content)); err != nil {
			t.Error(err)
		}
		conn.(*net.TCPConn).CloseWrite()
	})
	got, err := io.ReadAll(conn)
	writing.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if sha256.Sum256(got) != sha256.Sum256(content) {
		t.Errorf("%d bytes came back, other than the %d that were sent", len(got), len(content))
	}
}

// The delay is one of time, not of bandwidth: many packets are under way together.
func TestBandwidth(t *testing.T) {
	const rtt = 40 * time.Millisecond
	conn := dial(t, rtt)
	content := make([]byte, 8<<20)
	began := time.Now()
	var writing sync.WaitGroup
	writing.Go(func() { conn.Write(content) })
	if _, err := io.ReadFull(conn, make([]byte, len(content))); err != nil {
		t.Fatal(err)
	}
	writing.Wait()
	// One packet of 64 KiB per round trip would take 128 of them.
	if took := time.Since(began); took > 32*rtt {
		t.Errorf("%d bytes took %v, %d round trips", len(content), took, took/rtt)
	}
}

// Close ends a connection in which nothing moves, and one whose far side is gone.
func TestClose(t *testing.T) {
	conn := dial(t, time.Hour)
	if _, err := conn.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	gone, err := Start("127.0.0.1:1", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer gone.Close()
	lost, err := net.Dial("tcp", gone.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer lost.Close()
	if _, err := lost.Read(make([]byte, 1)); err == nil {
		t.Error("a connection to nowhere stays open")
	}
}
