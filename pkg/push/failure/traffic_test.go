package failure_test

import (
	"net/url"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/proxy"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// What a proxy refuses to connect to ends the clause without a comma.
func TestProxyRefusesSource(t *testing.T) {
	source := &failure.Origin{Peer: &failure.Peer{Base: url.URL{Scheme: "https", Host: "quay.test"}, Role: failure.SourceRole}}
	err := source.Explain(t.Context(), &proxy.Refusal{Host: "proxy.test:3128", Status: 403})
	want := "the proxy proxy.test:3128 refuses to connect to quay.test, where the source is"
	if got := failure.Of(err).Problem; got != want {
		t.Errorf("the problem is %q, want %q", got, want)
	}
}
