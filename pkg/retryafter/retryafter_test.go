package retryafter_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/pkg/retryafter"
)

func TestRead(t *testing.T) {
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "soon": 0, "-1": 0, "0": 0, "7": 7 * time.Second, "999999": time.Hour, " 7 ": 7 * time.Second,
		"1.5": 1500 * time.Millisecond, "0.25": 250 * time.Millisecond, "-0.5": 0, "NaN": 0, "+Inf": 0, "1e400": 0, "1e300": 0,
		strconv.FormatInt(now.Unix()+90, 10):            90 * time.Second,
		strconv.FormatInt(now.Unix()+90, 10) + ".5":     90*time.Second + 500*time.Millisecond,
		strconv.FormatInt(now.UnixMilli()+1500, 10):     1500 * time.Millisecond,
		strconv.FormatInt(now.Unix()-90, 10):            0,
		strconv.FormatInt(now.Unix()+90_000, 10):        time.Hour,
		now.Add(-time.Minute).Format(http.TimeFormat):   0,
		now.Add(time.Minute).Format(time.RFC850):        time.Minute,
		now.Add(time.Minute).Format(time.ANSIC):         time.Minute,
		now.Add(time.Minute).Format(time.RFC3339):       time.Minute,
		now.Add(time.Minute).Format(time.RFC1123Z):      time.Minute,
		now.Add(time.Minute).Format(http.TimeFormat):    time.Minute,
		now.Add(24 * time.Hour).Format(http.TimeFormat): time.Hour,
	} {
		if got := retryafter.Read(http.Header{"Retry-After": {value}}, now); got != want {
			t.Errorf("Retry-After %q = %v, want %v", value, got, want)
		}
	}
}
