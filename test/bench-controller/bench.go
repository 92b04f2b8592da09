package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/comptech-lab/quay-push/test/bench-controller/simulator"
)

// bench is one run of the benchmark.
type bench struct {
	root, bin, kube string
	seed            uint64
	// dir has what the programs write; it is removed at the end.
	dir   string
	out   io.Writer
	began time.Time
}

// subject is a program that is measured.
type subject struct {
	name string
	// program is its file's name, kind what it answers.
	program string
	kind    simulator.Kind
}

// The program under test, and what it is held against.
var (
	own  = subject{"quay-push", "controller", simulator.PushImage}
	peer = subject{"wait-task", "waittask", simulator.Kind{APIVersion: "wait.example.com/v1", Name: "Wait"}}
)

// benchCase is one measurement.
type benchCase struct {
	name, title string
	measure     func(ctx context.Context, s *stage) (measured, error)
}

// measured is what a case has seen.
type measured struct {
	checks  []check
	samples []sample
}

var cases = []benchCase{
	{"single", "one run at a time", single},
	{"burst-50", "1,000 runs at once, 50 requests per second", burst(50)},
	{"burst-200", "1,000 runs at once, 200 requests per second", burst(200)},
	{"size", "the cost of a run, and memory, by the number of CustomRuns in the cluster", size},
	{"failover", "two replicas, the leader killed", failover},
	{"kills", "leaders killed and frozen while runs come in", kills},
}

// limit is how long a case may take.
const limit = 15 * time.Minute

// open makes sure that the benchmark is alone on its network: its servers must be nobody else's to reach.
func (b *bench) open() error {
	b.began = time.Now()
	interfaces, err := net.Interfaces()
	if err != nil {
		return err
	}
	for _, one := range interfaces {
		if one.Flags&net.FlagLoopback == 0 && one.Flags&net.FlagUp != 0 {
			return fmt.Errorf("this network namespace has %q, and has to have none but the loopback device: run make bench-controller", one.Name)
		}
	}
	if b.seed == 0 {
		b.seed = rand.Uint64()
	}
	b.dir, err = os.MkdirTemp("", "bench-controller-")
	return err
}

func (b *bench) close() {
	if err := os.RemoveAll(b.dir); err != nil {
		b.printf("removing %s: %v", b.dir, err)
	}
}

// run runs one case on a server of its own.
func (b *bench) run(ctx context.Context, c benchCase) (r result, err error) {
	ctx, stop := context.WithTimeoutCause(ctx, limit, fmt.Errorf("it took longer than %s", limit))
	defer stop()
	b.printf("%s: %s", c.name, c.title)
	r = result{Case: c.name, Title: c.title, Time: time.Now().UTC().Format(time.RFC3339), LoadBefore: load()}
	s, err := b.stage(ctx, filepath.Join(b.dir, c.name))
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	seen, err := c.measure(s.ctx, s)
	if err != nil {
		// What the simulator could not do is why, where that is so.
		return r, errors.Join(err, context.Cause(s.ctx))
	}
	r.Checks, r.Samples, r.LoadAfter = seen.checks, seen.samples, load()
	for _, one := range r.Checks {
		b.printf("%s: %s", c.name, one.line())
	}
	return r, nil
}

// printf tells how far the benchmark is.
func (b *bench) printf(format string, args ...any) {
	fmt.Fprintf(b.out, "%6.1fs  %s\n", time.Since(b.began).Seconds(), fmt.Sprintf(format, args...))
}

// load is the machine's load average over a minute, which tells whether others used it.
func load() string {
	content, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	minute, _, _ := strings.Cut(string(content), " ")
	return minute
}
