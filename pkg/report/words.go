package report

import (
	"fmt"
	"time"

	"github.com/comptech-lab/quay-push/pkg/pushlog"
	"github.com/comptech-lab/quay-push/pkg/shown"
)

// mark is how something is: a shape and a word, so that it needs no colour.
type mark struct {
	// Shape names the drawing on the page, and its colour; Word says the same.
	Shape, Word string
}

// The marks of teams and checks.
var (
	markRight     = mark{"ok", "OK"}
	markWrong     = mark{"bad", "failing"}
	markUnchecked = mark{"unsure", "not checked"}
	markPartly    = mark{"part", "partly checked"}
	markPassed    = mark{"ok", "passed"}
	markFailed    = mark{"bad", "failed"}
	markSkipped   = mark{"part", "skipped"}
)

// date is a time for people, in UTC.
func date(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }

// stamp is a time for programs.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// span is a time for people to compare: in the largest unit that it has two of, and whole.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d >= 2*day:
		return fmt.Sprintf("%d days", d/day)
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", d/time.Hour)
	case d >= 2*time.Minute:
		return fmt.Sprintf("%d minutes", d/time.Minute)
	}
	return "a minute or less"
}

// size is how much was sent.
func size(bytes int64) string {
	if bytes == pushlog.UnknownBytes {
		return "not known"
	}
	unit, n := "B", float64(bytes)
	for _, larger := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if n < 1024 {
			break
		}
		unit, n = larger, n/1024
	}
	if unit == "B" || n >= 100 {
		return fmt.Sprintf("%.0f %s", n, unit)
	}
	return fmt.Sprintf("%.1f %s", n, unit)
}

// count is a number of things, whose name gets an s.
func count(n int, what string) string { return shown.Count(n, what, what+"s") }

// told is who says that there was a push.
func told(s pushlog.Source) string {
	switch s {
	case pushlog.SourceController:
		return "the controller"
	case pushlog.SourceTask:
		return "the team's own task"
	case pushlog.SourceQuay:
		return "Quay's log"
	}
	return string(s)
}
