package proxy_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/proxy"
)

// A proxy that refuses is named with its answer, and without the password in its URL.
func TestRefusal(t *testing.T) {
	for status, forGood := range map[int]bool{403: true, 407: true, 502: false} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		t.Cleanup(server.Close)
		through, err := url.Parse(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		through.User = url.UserPassword("user", "hidden")
		client := http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(through), OnProxyConnectResponse: proxy.Connected}}
		_, err = client.Get("https://quay.example.com/")
		refusal := (*proxy.Refusal)(nil)
		if !errors.As(err, &refusal) || refusal.Host != through.Host || refusal.Status != status || refusal.ForGood() != forGood ||
			!strings.Contains(err.Error(), "the proxy "+through.Host+" answered CONNECT with ") || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%d: the error is %v", status, err)
		}
	}
}
