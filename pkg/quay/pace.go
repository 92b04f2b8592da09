package quay

import (
	"context"
	"math"
	"time"
)

const (
	// spread is by how much requests are farther apart than the rate asks for, in parts of that: each is on its way for another time, and
	// Quay is to get no more of them within a second than were sent.
	spread = 1.05
	// late is what of a delay the next request makes up for, so that timers, which are never early, do not make the pace slower. It is
	// within what spread leaves.
	late = 25 * time.Millisecond
)

// pace is how fast requests may follow one another. A pause saves up nothing: after it they come no faster.
type pace struct {
	// apart is the least time between two.
	apart time.Duration
	// turn is had by the one that waits for its time; next is from when on a request may begin, and is of whoever has the turn.
	turn chan struct{}
	next time.Time
}

// newPace is the pace at which no second has more than perSecond requests; for less than one, one in as many seconds.
func newPace(perSecond float64) *pace {
	if perSecond > 1 {
		perSecond = math.Floor(perSecond)
	}
	return &pace{apart: time.Duration(spread / perSecond * float64(time.Second)), turn: make(chan struct{}, 1)}
}

// wait returns when the next request may begin, or with the error of ctx if that ends before.
func (p *pace) wait(ctx context.Context) error {
	select {
	case p.turn <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-p.turn }()
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	if pause := time.Until(p.next); pause > 0 {
		timer := time.NewTimer(pause)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	began := time.Now().Add(-late)
	if p.next.After(began) {
		began = p.next
	}
	p.next = began.Add(p.apart)
	return nil
}
