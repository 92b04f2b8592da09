package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/comptech-lab/quay-push/test/bench/client"
	"github.com/comptech-lab/quay-push/test/bench/registry"
)

// race lets all clients push the same image to the same registry, one after the other, in every round in another order.
func race(ctx context.Context, b *bench, c benchCase) ([]clientResult, error) {
	r, err := registry.Start(ctx, b.storage, registry.Options{RTT: c.rtt, Unpacks: c.unpacks})
	if err != nil {
		return nil, err
	}
	results, err := b.race(ctx, c, r)
	return results, errors.Join(err, r.Close())
}

func (b *bench) race(ctx context.Context, c benchCase, r *registry.Registry) ([]clientResult, error) {
	s, err := c.source.at(b.dir)
	if err != nil {
		return nil, fmt.Errorf("making image %q: %w", c.source.name, err)
	}
	clients := b.clients(c)
	results := make([]clientResult, len(clients))
	for i, one := range clients {
		results[i] = clientResult{Name: one.Name, Version: one.Version, Least: c.least[one.Name]}
		if err := b.prepare(ctx, c, r, one, s); err != nil {
			b.printf("%s: %v", c.name, err)
			results[i].Note = "cannot: " + firstLine(err)
		}
	}
	for round := range b.rounds {
		for n := range clients {
			i := (n + round) % len(clients)
			if results[i].Note != "" {
				continue
			}
			if err := b.lap(ctx, c, r, clients[i], s, &results[i], round); err != nil {
				if ctx.Err() != nil {
					return nil, ctx.Err()
				}
				b.printf("%s: %v", c.name, err)
				results[i].Note = "cannot: " + firstLine(err)
			}
		}
	}
	compare(results)
	for _, one := range results {
		b.printf("%s: %s", c.name, one.line())
	}
	return results, nil
}

// clients are those that a case compares, the one first that the others are held against. podman has no place where the registry unpacks: it
// pushes from its own storage and takes as long as skopeo for compressing.
func (b *bench) clients(c benchCase) []*client.Client {
	if !c.unpacks {
		return append([]*client.Client{b.own}, b.peers...)
	}
	all := []*client.Client{client.PushImageZstd(b.program), b.own}
	for _, peer := range b.peers {
		if peer.Name != "podman" {
			all = append(all, peer)
		}
	}
	return all
}

// prepare does for one client what comes before all rounds.
func (b *bench) prepare(ctx context.Context, c benchCase, r *registry.Registry, one *client.Client, s client.Source) error {
	if err := one.Load(ctx, s); err != nil || !c.again {
		return err
	}
	t, err := b.target(r.Host, r.CAFile, one.Name)
	if err == nil {
		_, err = one.Push(ctx, s, t)
	}
	return err
}

// lap is one push.
func (b *bench) lap(ctx context.Context, c benchCase, r *registry.Registry, one *client.Client, s client.Source, to *clientResult, round int) error {
	repository := one.Name
	if !c.again {
		repository = fmt.Sprintf("%s-%d", one.Name, round)
		if err := r.Empty(); err != nil {
			return err
		}
	}
	t, err := b.target(r.Host, r.CAFile, repository)
	if err != nil {
		return err
	}
	before, err := r.Requests()
	if err != nil {
		return err
	}
	idle, err := r.CPU()
	if err != nil {
		return err
	}
	cost, err := one.Push(ctx, s, t)
	if err != nil {
		return err
	}
	busy, err := r.CPU()
	if err != nil {
		return err
	}
	after, err := r.Requests()
	if err != nil {
		return err
	}
	to.Seconds = append(to.Seconds, cost.Wall.Seconds())
	to.CPUSeconds = append(to.CPUSeconds, cost.CPU.Seconds())
	to.PathCPUSeconds = append(to.PathCPUSeconds, (cost.CPU + busy - idle).Seconds())
	to.Requests = append(to.Requests, len(after)-len(before))
	b.printf("%s: round %d of %d: %-10s %7.3f s", c.name, round+1, b.rounds, one.Name, cost.Wall.Seconds())
	return nil
}
