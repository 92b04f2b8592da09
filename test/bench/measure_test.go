package main

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/test/bench/client"
)

// knocker is a program that asks the host of --image-ref for /v2/ with this test's own binary, see TestKnocker.
func knocker(t *testing.T) *client.Client {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(t.TempDir(), "knock")
	text := "#!/bin/sh\nKNOCK=\"$4\" exec " + self + " -test.run '^TestKnocker$'\n"
	if err := os.WriteFile(script, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return client.PushImage(script)
}

// TestKnocker is no test but the program that knocker runs.
func TestKnocker(t *testing.T) {
	ref := os.Getenv("KNOCK")
	if ref == "" {
		t.Skip("run by TestDoor")
	}
	host, _, _ := strings.Cut(ref, "/")
	if _, err := http.Get("https://" + host + "/v2/"); err != nil {
		t.Fatal(err)
	}
}

// The door notes the first request of each client, and who makes none is an error.
func TestDoor(t *testing.T) {
	b := &bench{dir: t.TempDir()}
	d, err := newDoor(b.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	to, err := b.target(d.host, d.caFile, "x")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		began := time.Now()
		took, err := d.knock(t.Context(), knocker(t), client.Source{Kind: client.Layout, Path: "x"}, to)
		if err != nil {
			t.Fatal(err)
		}
		if took <= 0 || took > time.Since(began) {
			t.Errorf("the first request came after %v, the client ended after %v", took, time.Since(began))
		}
	}
	if _, err := d.knock(t.Context(), client.PushImage("true"), client.Source{}, to); err == nil {
		t.Error("a client that makes no request passes")
	}
}

// The high-water mark is that of the process, not of this one, and follows what it allocates.
func TestWatch(t *testing.T) {
	ballast := bytes.Repeat([]byte("x"), 64<<20)
	defer clear(ballast)
	peak := func(script string) int64 {
		cmd := exec.Command("sh", "-c", script)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		highest := watch(cmd)
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
		return <-highest
	}
	idle, busy := peak("sleep 0.2"), peak(`x=0123456789abcdef; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do x=$x$x; done; sleep 0.2`)
	if idle <= 0 || idle > int64(len(ballast))/2 {
		t.Errorf("a shell that sleeps has %d bytes", idle)
	}
	if busy < 16*mib {
		t.Errorf("a shell with a string of 16 MiB has %d bytes", busy)
	}
}

func TestCompressed(t *testing.T) {
	const seed = 20261124
	t.Logf("seed %d", seed)
	for name, test := range map[string]struct {
		content     io.Reader
		least, most float64
	}{
		"zeros":  {bytes.NewReader(make([]byte, mib)), 0.0001, 0.01},
		"random": {io.LimitReader(rand.NewChaCha8([32]byte{seed % 256}), mib), 1, 1.01},
	} {
		if got, err := compressed(test.content); err != nil || got < test.least || got > test.most {
			t.Errorf("a MiB of %s becomes %v MiB, %v", name, got, err)
		}
	}
}

func TestRoundTrips(t *testing.T) {
	near, far := clientResult{Seconds: []float64{0.5, 0.02}}, clientResult{Seconds: []float64{0.1, 0.9}}
	if got := roundTrips(near, far); got < 3.99 || got > 4.01 {
		t.Errorf("round trips = %v, want 4: the fastest of each", got)
	}
	if got := roundTrips(near, clientResult{}); got != 0 {
		t.Errorf("round trips of nothing = %v", got)
	}
}

// An image is made once.
func TestSource(t *testing.T) {
	made := 0
	s := &source{"x", client.Archive, func(path string) error {
		made++
		return os.WriteFile(path, nil, 0o644)
	}}
	dir := t.TempDir()
	for range 2 {
		if got, err := s.at(dir); err != nil || got != (client.Source{Kind: client.Archive, Path: filepath.Join(dir, "x")}) {
			t.Errorf("at = %v, %v", got, err)
		}
	}
	if made != 1 {
		t.Errorf("it was made %d times", made)
	}
}
