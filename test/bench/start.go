package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/comptech-lab/quay-push/test/bench/client"
	"github.com/comptech-lab/quay-push/test/bench/registry"
)

// start measures the time from the start of a client to its first request. The server answers 404, which ends the push.
func start(ctx context.Context, b *bench, c benchCase) ([]clientResult, error) {
	s, err := c.source.at(b.dir)
	if err != nil {
		return nil, fmt.Errorf("making image %q: %w", c.source.name, err)
	}
	d, err := newDoor(b.dir)
	if err != nil {
		return nil, err
	}
	defer d.close()
	clients := append([]*client.Client{b.own}, b.peers...)
	results := make([]clientResult, len(clients))
	for i, one := range clients {
		results[i] = clientResult{Name: one.Name, Version: one.Version}
		if err := one.Load(ctx, s); err != nil {
			return nil, err
		}
	}
	for round := range b.rounds {
		for n := range clients {
			i := (n + round) % len(clients)
			t, err := b.target(d.host, d.caFile, "start")
			if err != nil {
				return nil, err
			}
			took, err := d.knock(ctx, clients[i], s, t)
			if err != nil {
				return nil, err
			}
			results[i].Seconds = append(results[i].Seconds, took.Seconds())
		}
	}
	compare(results)
	for _, one := range results {
		b.printf("%s: %s", c.name, one.line())
	}
	return results, nil
}

// door is a server that notes when the first request comes.
type door struct {
	host, caFile string
	server       *http.Server
	done         chan error
	mu           sync.Mutex
	first        time.Time
}

func newDoor(dir string) (*door, error) {
	caFile, err := registry.WriteCertificates(dir)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d := &door{host: listener.Addr().String(), caFile: caFile, done: make(chan error, 1)}
	d.server = &http.Server{Handler: http.HandlerFunc(d.open), ErrorLog: log.New(io.Discard, "", 0)}
	go func() {
		d.done <- d.server.ServeTLS(listener, filepath.Join(dir, "server.crt"), filepath.Join(dir, "server.key"))
	}()
	return d, nil
}

func (d *door) open(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.first.IsZero() {
		d.first = time.Now()
	}
	http.NotFound(w, r)
}

// knock starts a push and returns how long its first request took.
func (d *door) knock(ctx context.Context, c *client.Client, s client.Source, t client.Target) (time.Duration, error) {
	d.mu.Lock()
	d.first = time.Time{}
	d.mu.Unlock()
	began := time.Now()
	// A client that has nothing but 404 fails, as it should.
	_, _ = c.Push(ctx, s, t)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.first.IsZero() {
		return 0, fmt.Errorf("%s made no request", c.Name)
	}
	return d.first.Sub(began), ctx.Err()
}

func (d *door) close() {
	d.server.Close()
	<-d.done
}
