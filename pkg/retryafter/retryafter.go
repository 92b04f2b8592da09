// Package retryafter reads how long a server asks to wait.
package retryafter

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// longest is the longest pause that a server may ask for.
const longest = time.Hour

// Read is how long a Retry-After header asks to wait: for seconds, or until a date (RFC 9110 section 10.2.3). Servers also
// send fractions, and the time as seconds or milliseconds since 1970. It is 0 for one that nobody understands.
func Read(header http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(header.Get("Retry-After"))
	if n, err := strconv.ParseFloat(value, 64); err == nil {
		return numeric(n, now)
	}
	for _, layout := range []string{http.TimeFormat, time.RFC850, time.ANSIC, time.RFC1123, time.RFC1123Z, time.RFC3339} {
		if date, err := time.Parse(layout, value); err == nil {
			return bounded(date.Sub(now))
		}
	}
	return 0
}

// numeric is Read for a number.
func numeric(n float64, now time.Time) time.Duration {
	const (
		since1970   = 1e9  // No server asks to wait for thirty years.
		millisecond = 1e12 // As seconds that is the year 33658.
		mostMillis  = 1e15
	)
	switch {
	case math.IsNaN(n) || n <= 0 || n > mostMillis:
		return 0
	case n >= millisecond:
		return bounded(time.UnixMilli(int64(n)).Sub(now))
	case n >= since1970:
		seconds, part := math.Modf(n)
		return bounded(time.Unix(int64(seconds), int64(part*1e9)).Sub(now))
	}
	return bounded(time.Duration(n * float64(time.Second)))
}

// bounded is d within what a pause may be.
func bounded(d time.Duration) time.Duration { return max(0, min(d, longest)) }
