package quay

import (
	"net/http"
	"time"
)

// Date is what Quay's clock showed when it answered last, to the second and cut off; zero where it did not say.
func (c *Client) Date() time.Time {
	if date := c.date.Load(); date != nil {
		return *date
	}
	return time.Time{}
}

// note keeps the date of an answer.
func (c *Client) note(answer http.Header) {
	if date, err := http.ParseTime(answer.Get("Date")); err == nil {
		c.date.Store(&date)
	} else {
		c.date.Store(nil)
	}
}
