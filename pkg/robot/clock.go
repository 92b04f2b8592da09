package robot

import (
	"fmt"
	"time"
)

// farApart is by how much the clock here and Quay's may differ before that is told: as much as is lost on the way is no difference.
const farApart = time.Minute

// quayNow is the time by Quay's clock, not before its last answer: what Quay made, sold or logged is compared with no other. Where
// Quay's answers have no date it is the time here.
func (s Services) quayNow() time.Time {
	if date := s.Quay.Date(); !date.IsZero() {
		// Quay cuts off what a date has beyond its second.
		return date.Add(time.Second)
	}
	return s.now()
}

// clockApart says by how much the clock here differs from Quay's, as it was in an answer of just now; empty where that is little.
func (s Services) clockApart() string {
	date := s.Quay.Date()
	if date.IsZero() {
		return "Quay tells no time, so that the clock of this machine counts"
	}
	apart, word := s.now().Sub(date).Round(time.Minute), "ahead of"
	if apart < 0 {
		apart, word = -apart, "behind"
	}
	if apart < farApart {
		return ""
	}
	return fmt.Sprintf("the clock of this machine is %s %s Quay's, which counts", apart, word)
}
