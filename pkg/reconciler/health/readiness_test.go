package health

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func probe(r *Readiness) (code int, body string) {
	recorder := httptest.NewRecorder()
	r.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/readiness", nil))
	return recorder.Code, recorder.Body.String()
}

// A replica is ready from when it has everything until it is asked to stop.
func TestReadiness(t *testing.T) {
	stop, synced, loaded := make(chan struct{}), false, false
	r := NewReadiness(stop)
	for _, step := range []struct {
		do   func()
		code int
		says string
	}{
		{func() {}, http.StatusServiceUnavailable, "no controller is set up yet"},
		{func() {
			r.Need("namespaces", func() bool { return synced })
			r.Need("configmap", func() bool { return loaded })
		}, http.StatusServiceUnavailable, "waiting for configmap, namespaces"},
		{func() { synced = true }, http.StatusServiceUnavailable, "waiting for configmap"},
		{func() { loaded = true }, http.StatusOK, ""},
		{func() { close(stop) }, http.StatusServiceUnavailable, "stopping"},
	} {
		step.do()
		if code, body := probe(r); code != step.code || strings.TrimSpace(body) != step.says {
			t.Errorf("%d %q, want %d %q", code, body, step.code, step.says)
		}
	}
}
