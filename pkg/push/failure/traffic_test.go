package failure

import (
	"net/url"
	"testing"
)

// What a proxy refuses to connect to ends the clause without a comma.
func TestProxyRefusesSource(t *testing.T) {
	r := &Peer{Base: url.URL{Scheme: "https", Host: "quay.test"}, Role: SourceRole}
	e := &Error{Err: &Proxy{Host: "proxy.test:3128", Status: 403}}
	r.explainRequest(e)
	if want := "the proxy proxy.test:3128 refuses to connect to quay.test, where the source is"; e.Problem != want {
		t.Errorf("the problem is %q, want %q", e.Problem, want)
	}
}
