package report

import (
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/pkg/pushlog"
)

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{-time.Hour: "a minute or less", 0: "a minute or less", 119 * time.Second: "a minute or less", 2 * time.Minute: "2 minutes",
		119 * time.Minute: "119 minutes", 2 * time.Hour: "2 hours", 24 * time.Hour: "24 hours", 47 * time.Hour: "47 hours", 48 * time.Hour: "2 days", 720 * time.Hour: "30 days"} {
		if got := span(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}

func TestSize(t *testing.T) {
	for bytes, want := range map[int64]string{pushlog.UnknownBytes: "not known", 0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 18_432_511: "17.6 MiB", 241_190_233: "230 MiB",
		1 << 40: "1.0 TiB", 1 << 50: "1024 TiB"} {
		if got := size(bytes); got != want {
			t.Errorf("%d: %q, want %q", bytes, got, want)
		}
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "0 checks", 1: "1 check", 2: "2 checks"} {
		if got := count(n, "check"); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

// A source that is not known yet is told as it is.
func TestTold(t *testing.T) {
	for source, want := range map[pushlog.Source]string{pushlog.SourceController: "the controller", pushlog.SourceTask: "the team's own task", pushlog.SourceQuay: "Quay's log", "later": "later"} {
		if got := told(source); got != want {
			t.Errorf("%s: %q, want %q", source, got, want)
		}
	}
}
