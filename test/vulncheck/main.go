// Vulncheck reads govulncheck's JSON, and exits with 1 when a program of ours can reach a known vulnerability that
// accepted.txt does not excuse, or when accepted.txt excuses what is no longer reached. See make vulncheck.
package main

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

//go:embed accepted.txt
var acceptedList string

func main() {
	if err := check(os.Stdin, acceptedList, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "vulncheck:", err)
		os.Exit(1)
	}
}

// check judges a scan by the accepted list, and writes to w what it scanned and what it excused.
func check(scanned io.Reader, list string, w io.Writer) error {
	excuses, err := parseExcuses(list)
	if err != nil {
		return fmt.Errorf("reading accepted.txt: %w", err)
	}
	s, err := readScan(scanned)
	if err != nil {
		return fmt.Errorf("reading the scan: %w", err)
	}
	fmt.Fprintf(w, "Scanned for %s with %s\n", s.goVersion, s.database)
	if problems := judge(s.reached, excuses); len(problems) > 0 {
		return errors.New(strings.Join(problems, "\n"))
	}
	for _, e := range excuses {
		fmt.Fprintf(w, "  accepted %s: %s\n", e.id, e.why)
	}
	fmt.Fprintln(w, "No other known vulnerability is reached.")
	return nil
}
