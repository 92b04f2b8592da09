// Package story tells what happened, each statement with its check: what make demo and make try have in common.
package story

import (
	"fmt"
	"io"
)

// Story is what was told so far.
type Story struct {
	out          io.Writer
	told, untrue int
}

// New begins a story that is written to out.
func New(out io.Writer) *Story { return &Story{out: out} }

// Scene begins a new part.
func (s *Story) Scene(format string, args ...any) {
	fmt.Fprintf(s.out, "\n%s\n", fmt.Sprintf(format, args...))
}

// Tell prints a statement, and whether it holds.
func (s *Story) Tell(holds bool, format string, args ...any) {
	mark := "  ok     "
	s.told++
	if !holds {
		mark = "  UNTRUE "
		s.untrue++
	}
	fmt.Fprintln(s.out, mark+fmt.Sprintf(format, args...))
}

// Quote prints what somebody else said, below the statement that it belongs to. It is not checked.
func (s *Story) Quote(text string) { fmt.Fprintln(s.out, "         "+text) }

// End prints how many statements are true if all are; otherwise the error says how many are not.
func (s *Story) End() error {
	if s.untrue > 0 {
		return fmt.Errorf("%d of the statements above are untrue", s.untrue)
	}
	fmt.Fprintf(s.out, "\nAll %d checked statements are true.\n", s.told)
	return nil
}
