package cli

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/pkg/robot"
)

// What others wrote cannot move the cursor, break a line or turn the reading direction.
func TestPlain(t *testing.T) {
	var out strings.Builder
	if err := table(&out, []string{"A", "B"}, [][]string{{"x\x1b[2Jy\nz\tw", "\u202eabc\u2066"}}); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); strings.ContainsAny(got, "\x1b\t\u202e\u2066") || strings.Count(got, "\n") != 2 {
		t.Errorf("table is %q", got)
	}
}

// A long wait is told, and after stop nothing is.
func TestProgress(t *testing.T) {
	told := newLines()
	g := (&Program{Err: told, Tick: time.Millisecond}).start("looking")
	told.wait("  still  looking (")
	g.report(robot.Step{Title: "burn", State: robot.Running, Detail: "it is good"})
	told.wait("  begin  burn: it is good")
	told.wait("  still  burn (")
	g.report(robot.Step{Title: "burn", State: robot.Changed, Detail: "done"})
	told.wait("changed  burn: done")
	g.stop()
	count := len(told.all)
	time.Sleep(5 * time.Millisecond)
	if len(told.all) != count {
		t.Errorf("told after the end: %q", told.all[count:])
	}
}

// lines keeps what is written.
type lines struct {
	all     []string
	mu      sync.Mutex
	written *sync.Cond
	// read is how far wait is.
	read int
}

func newLines() *lines {
	l := &lines{}
	l.written = sync.NewCond(&l.mu)
	return l
}

func (l *lines) Write(data []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, string(data))
	l.written.Broadcast()
	return len(data), nil
}

// wait waits for a line with the prefix, after the one of the last call.
func (l *lines) wait(prefix string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		for l.read < len(l.all) {
			l.read++
			if strings.HasPrefix(l.all[l.read-1], prefix) {
				return
			}
		}
		l.written.Wait()
	}
}
