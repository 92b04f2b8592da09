package cli

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/shown"
)

// progress tells on stderr what goes on: each step when it begins and when it was done, and in between that it goes on.
type progress struct {
	out    io.Writer
	now    func() time.Time
	ticker *time.Ticker
	ended  chan struct{}
	ticks  sync.WaitGroup

	mu    sync.Mutex
	what  string
	began time.Time
}

// start begins to tell. Stop must be called.
func (p *Program) start(what string) *progress {
	g := &progress{out: p.Err, now: time.Now, ticker: time.NewTicker(p.Tick), ended: make(chan struct{}), what: what, began: time.Now()}
	g.ticks.Go(func() {
		for {
			select {
			case <-g.ticker.C:
				g.tick()
			case <-g.ended:
				return
			}
		}
	})
	return g
}

// tick tells what has been going on since the last step.
func (g *progress) tick() {
	g.mu.Lock()
	defer g.mu.Unlock()
	fmt.Fprintf(g.out, "  still  %s (%s)\n", shown.Line(g.what), g.now().Sub(g.began).Round(time.Second))
}

// report tells a step, for robot.Services.
func (g *progress) report(s robot.Step) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.what, g.began = s.Title, g.now()
	if s.State == robot.Running {
		fmt.Fprintf(g.out, "  begin  %s: %s\n", shown.Line(s.Title), shown.Line(s.Detail))
		return
	}
	fmt.Fprintf(g.out, "%7s  %s: %s\n", s.State, shown.Line(s.Title), shown.Line(s.Detail))
}

// oneOfMany tells that one of many ended, and how it did, unless state is empty; what goes on, since the beginning, from then.
func (g *progress) oneOfMany(state, which, what string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.what = what
	if state != "" {
		fmt.Fprintf(g.out, "%7s  %s\n", state, shown.Line(which))
	}
}

// stop ends it; nothing is written after that.
func (g *progress) stop() {
	g.ticker.Stop()
	close(g.ended)
	g.ticks.Wait()
}

// say tells what begins now.
func (g *progress) say(what string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.what, g.began = what, g.now()
	fmt.Fprintf(g.out, "  begin  %s\n", shown.Line(what))
}
