package main

import (
	"fmt"
	"math"
	"slices"
)

// check is one number, and what it must be.
type check struct {
	What string `json:"what"`
	Unit string `json:"unit,omitempty"`
	// Seen must not be more than Limit, where there is one.
	Seen  float64  `json:"seen"`
	Limit *float64 `json:"limit,omitempty"`
	// Peer is the same of the custom task that ours is held against.
	Peer *float64 `json:"peer,omitempty"`
}

// atMost is a check with a limit.
func atMost(limit float64, seen float64, unit, format string, args ...any) check {
	return check{What: fmt.Sprintf(format, args...), Unit: unit, Seen: seen, Limit: &limit}
}

// just is a number without a limit.
func just(seen float64, unit, format string, args ...any) check {
	return check{What: fmt.Sprintf(format, args...), Unit: unit, Seen: seen}
}

// beside adds the peer's number.
func (c check) beside(peer float64) check {
	c.Peer = &peer
	return c
}

// reached reports whether the limit holds. What is no number has reached nothing.
func (c check) reached() bool { return c.Limit == nil || c.Seen <= *c.Limit }

// line is the check in one line.
func (c check) line() string {
	text := fmt.Sprintf("%s: %s", c.What, number(c.Seen, c.Unit))
	if c.Limit != nil {
		mark := "✓"
		if !c.reached() {
			mark = "✗"
		}
		text += fmt.Sprintf(" %s ≤ %s", mark, number(*c.Limit, c.Unit))
	}
	if c.Peer != nil {
		text += fmt.Sprintf(" (%s %s)", peer.name, number(*c.Peer, c.Unit))
	}
	return text
}

// number writes a value with three digits that count.
func number(value float64, unit string) string {
	text := fmt.Sprintf("%.3g", value)
	if math.Abs(value) >= 1000 {
		text = fmt.Sprintf("%.0f", value)
	}
	if unit != "" {
		text += " " + unit
	}
	return text
}

// sample is what a plot draws.
type sample struct {
	Name string    `json:"name"`
	X    []float64 `json:"x,omitempty"`
	Y    []float64 `json:"y"`
}

// quantile is the value that the share q of values does not exceed; NaN without values.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(len(sorted)-1, max(0, int(math.Ceil(q*float64(len(sorted))))-1))]
}

// median is the middle one.
func median(values []float64) float64 { return quantile(values, 0.5) }
