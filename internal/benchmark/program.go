// Package benchmark is what both benchmarks do alike: they run the cases that are asked for, keep the results of the others, and
// write all of them into a page.
package benchmark

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
)

// Main is the main function of the benchmark called name. A signal ends the context of run.
func Main(name string, run func(context.Context) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, name+":", err)
		os.Exit(1)
	}
}

// named is a case, or the result of one.
type named interface{ CaseName() string }

// Names returns the names of cases.
func Names[C named](cases []C) []string {
	var names []string
	for _, c := range cases {
		names = append(names, c.CaseName())
	}
	return names
}

// Each calls run with each of cases whose name the regular expression filter, the value of -case, matches.
func Each[C named](cases []C, filter string, run func(C) error) error {
	chosen, err := regexp.Compile(filter)
	if err != nil {
		return fmt.Errorf("-case: %w", err)
	}
	for _, c := range cases {
		if !chosen.MatchString(c.CaseName()) {
			continue
		}
		if err := run(c); err != nil {
			return fmt.Errorf("case %s: %w", c.CaseName(), err)
		}
	}
	return nil
}

// Load is the machine's load average over a minute, which tells whether others used it.
func Load() string {
	content, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	minute, _, _ := strings.Cut(string(content), " ")
	return minute
}
