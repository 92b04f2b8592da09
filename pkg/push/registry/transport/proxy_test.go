package transport

import (
	"errors"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

func TestPossibleProxy(t *testing.T) {
	for value, want := range map[string]bool{
		"http://proxy.test:3128": true, "https://proxy.test": true, "socks5://proxy.test:1080": true, "socks5h://proxy.test:1080": true,
		"proxy.test:3128": true, "proxy.test": true, "my_proxy:3128": true, "10.0.0.1:3128": true, "http://[::1]:3128": true, "http://proxy.test:3128/": true,
		"http://user:p%40ss@proxy.test:3128": true, "user:pass@proxy.test:3128": true,
		"http//proxy.test:3128": false, "http:/proxy.test:3128": false, "http:proxy.test:3128": false, "http://http://proxy.test:3128": false,
		"http://proxy.test:port": false, "http://proxy.test:": false, "http://proxy.test:0": false, "http://proxy.test:99999": false,
		"http://user:p%zz@proxy.test:3128": false, "http://user:p#ss@proxy.test:3128": false, "http://": false, "://proxy.test": false,
		" http://proxy.test:3128": false, "http://proxy.test:3128 ": false, "http://proxy .test": false, "ftp://proxy.test:21": false, "proxy.test/x": false,
	} {
		if got := possibleProxy(value); got != want {
			t.Errorf("possibleProxy(%q) = %v, want %v", value, got, want)
		}
	}
}

// Only the proxy that would be used matters, in either case, and nothing of it is told.
func TestCheckProxy(t *testing.T) {
	const bad = "http://user:S3CRET%zz@proxy.test"
	for _, test := range []struct {
		scheme, name, value string
		want                bool
	}{
		{"https", "HTTPS_PROXY", bad, false}, {"https", "https_proxy", bad, false}, {"http", "HTTP_PROXY", bad, false}, {"http", "http_proxy", bad, false},
		{"https", "HTTP_PROXY", bad, true}, {"http", "HTTPS_PROXY", bad, true}, {"https", "HTTPS_PROXY", "", true}, {"https", "HTTPS_PROXY", "proxy.test:3128", true},
	} {
		t.Run(test.scheme+" "+test.name+" "+test.value, func(t *testing.T) {
			for _, names := range proxyVariables {
				for _, name := range names {
					t.Setenv(name, "")
				}
			}
			t.Setenv(test.name, test.value)
			err := CheckProxy(test.scheme)
			if reason := (*failure.Error)(nil); (err == nil) != test.want || err != nil && !errors.As(err, &reason) {
				t.Errorf("checkProxy = %v, want none: %v", err, test.want)
			}
			if err != nil && (strings.Contains(err.Error(), "S3CRET") || !strings.Contains(err.Error(), test.name)) {
				t.Errorf("the error is %q", err)
			}
		})
	}
}
