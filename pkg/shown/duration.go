package shown

import (
	"strconv"
	"time"
)

// Duration is d as people say it: in the largest of days, hours, minutes and seconds of which it is a whole number, such as "7 days"
// or "36 hours". What is shorter than a second is as time.Duration has it.
func Duration(d time.Duration) string {
	for _, unit := range []struct {
		length time.Duration
		name   string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		if d >= unit.length && d%unit.length == 0 {
			return Count(int(d/unit.length), unit.name, unit.name+"s")
		}
	}
	return d.String()
}

// Count is a number with the word for one, or for any other number, of something: "1 anchor", "2 anchors".
func Count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
