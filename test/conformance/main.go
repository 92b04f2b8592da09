package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	outcomes, err := run(ctx, Lines, os.Getenv("KUBECONFIG") != "")
	if err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
	counts := map[string]int{}
	for _, line := range Lines {
		verdict, why := judge(line, outcomes)
		counts[verdict]++
		fmt.Printf("%-5s %-14s %s%s\n", line.ID, verdict, line.Sentence, why)
	}
	fmt.Printf("\n%d pass, %d fail, %d not run, %d not applicable\n", counts[pass], counts[fail], counts[notRun], counts[notApplicable])
	if counts[fail] > 0 {
		os.Exit(1)
	}
}

// The verdicts.
const (
	pass          = "pass"
	fail          = "FAIL"
	notRun        = "not run"
	notApplicable = "not applicable"
)

// judge says how the line stands after the tests ended with outcomes, and why if it does not pass.
func judge(line Line, outcomes map[string]string) (verdict, why string) {
	if len(line.Tests) == 0 {
		return notApplicable, ": " + line.Why
	}
	var failed, missing []string
	for _, test := range line.Tests {
		switch outcomes[test] {
		case "pass":
		case "":
			missing = append(missing, test)
		default:
			failed = append(failed, test)
		}
	}
	switch {
	case len(failed) > 0:
		return fail, ": " + strings.Join(failed, ", ")
	case len(missing) > 0:
		return notRun, ": " + strings.Join(missing, ", ")
	}
	return pass, ""
}
