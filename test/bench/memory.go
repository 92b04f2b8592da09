package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"time"

	"github.com/comptech-lab/quay-push/test/bench/registry"
)

// memory pushes once with push-image alone and follows its high-water mark.
func memory(ctx context.Context, b *bench, c benchCase) ([]clientResult, error) {
	// 10 GiB do not belong on a RAM disk.
	r, err := registry.Start(ctx, os.TempDir(), registry.Options{RTT: c.rtt})
	if err != nil {
		return nil, err
	}
	peak, err := b.memory(ctx, c, r)
	b.printf("%s: peak of %.1f MiB", c.name, peak)
	return []clientResult{{Name: b.own.Name, Version: b.own.Version, PeakMiB: peak}}, errors.Join(err, r.Close())
}

func (b *bench) memory(ctx context.Context, c benchCase, r *registry.Registry) (peak float64, err error) {
	s, err := c.source.at(b.dir)
	if err != nil {
		return 0, fmt.Errorf("making image %q: %w", c.source.name, err)
	}
	t, err := b.target(r.Host, r.CAFile, "memory")
	if err != nil {
		return 0, err
	}
	cmd := b.own.Command(ctx, s, t)
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	highest := watch(cmd)
	err = cmd.Wait()
	return float64(<-highest) / float64(mib), err
}

var highWater = regexp.MustCompile(`VmHWM:\s+([0-9]+) kB`)

// watch follows the high-water mark of a started process until its end, in bytes. The rusage of a child will not do: it
// starts with what this process had when it started the child.
func watch(cmd *exec.Cmd) <-chan int64 {
	peak := make(chan int64, 1)
	go func() {
		var most int64
		for {
			status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
			match := highWater.FindSubmatch(status)
			if err != nil || match == nil {
				peak <- most
				return
			}
			if n, err := strconv.ParseInt(string(match[1]), 10, 64); err == nil {
				most = max(most, n*kib)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	return peak
}
