package quay_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/pkg/quay"
)

// The date is Quay's own, of its last answer, whatever that was.
func TestDate(t *testing.T) {
	at := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	header, status := at.Format(http.TimeFormat), http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", header)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"registry_state":"normal"}`))
	}))
	t.Cleanup(server.Close)
	c, err := quay.New(quay.Options{URL: server.URL, Rate: 1e6})
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Date(); !got.IsZero() {
		t.Errorf("before any answer it is %s", got)
	}
	for _, test := range []struct {
		header string
		status int
		want   time.Time
	}{{header, 200, at}, {at.Add(time.Hour).Format(http.TimeFormat), 403, at.Add(time.Hour)}, {"yesterday", 200, time.Time{}}} {
		header, status = test.header, test.status
		if _, err := c.Config(t.Context()); (err == nil) != (status == 200) {
			t.Fatal(err)
		}
		if got := c.Date(); !got.Equal(test.want) {
			t.Errorf("%s: it is %s", header, got)
		}
	}
}
