// Package progress tells a waiting person what is being done and how long it took.
package progress

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// Log prints one line per step, each with the seconds since the log began.
type Log struct {
	mu    sync.Mutex
	w     io.Writer
	now   func() time.Time
	start time.Time
}

// New returns a log on w whose clock starts now.
func New(w io.Writer) *Log {
	return &Log{w: w, now: time.Now, start: time.Now()}
}

// Printf prints a line.
func (l *Log) Printf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.w, "%6.1fs  %s\n", l.now().Sub(l.start).Seconds(), fmt.Sprintf(format, args...))
}

// Step runs f and prints its name and how long it took.
func (l *Log) Step(name string, f func() error) error {
	began := l.now()
	if err := f(); err != nil {
		return err
	}
	l.Printf("%s (%.1fs)", name, l.now().Sub(began).Seconds())
	return nil
}

// Beat prints a line about name every interval until the context ends, with what counter has seen meanwhile.
func (l *Log) Beat(ctx context.Context, name string, interval time.Duration, counter *Counter) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			lines, last := counter.Seen()
			l.Printf("%s: %d lines so far, now %s", name, lines, last)
		}
	}
}

// Counter is a writer that counts lines and keeps the last of them: go build -v prints a line per package.
type Counter struct {
	mu    sync.Mutex
	lines []string
	rest  string
}

// Write takes any part of any number of lines.
func (c *Counter) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	parts := strings.Split(c.rest+string(p), "\n")
	c.lines, c.rest = append(c.lines, parts[:len(parts)-1]...), parts[len(parts)-1]
	return len(p), nil
}

// Seen returns the number of whole lines, and the last of them.
func (c *Counter) Seen() (lines int, last string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.lines) == 0 {
		return 0, "starting"
	}
	return len(c.lines), c.lines[len(c.lines)-1]
}

// Tail returns the last n lines, and what came after them.
func (c *Counter) Tail(n int) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(append(c.lines[max(0, len(c.lines)-n):len(c.lines):len(c.lines)], c.rest), "\n")
}
