package shown_test

import (
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/pkg/shown"
)

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{7 * 24 * time.Hour: "7 days", 24 * time.Hour: "1 day", 36 * time.Hour: "36 hours", time.Hour: "1 hour", 45 * time.Minute: "45 minutes",
		90 * time.Minute: "90 minutes", 61 * time.Second: "61 seconds", time.Second: "1 second", 1500 * time.Millisecond: "1.5s", 0: "0s", -time.Hour: "-1h0m0s"} {
		if got := shown.Duration(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "0 anchors", 1: "1 anchor", 2: "2 anchors"} {
		if got := shown.Count(n, "anchor", "anchors"); got != want {
			t.Errorf("%d is %q", n, got)
		}
	}
}
