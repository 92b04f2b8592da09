package transport

import (
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// proxyVariables are the variables that name the proxy for a scheme; the first one that is set counts.
var proxyVariables = map[string][]string{"https": {"HTTPS_PROXY", "https_proxy"}, "http": {"HTTP_PROXY", "http_proxy"}}

// CheckProxy refuses a malformed proxy for a scheme: net/http ignores one without a word, and goes past it. The error does not
// have the value, which may have a password.
func CheckProxy(scheme string) error {
	for _, name := range proxyVariables[scheme] {
		value := os.Getenv(name)
		if value == "" {
			continue
		}
		if !possibleProxy(value) {
			return failure.Usage("the environment variable %s is not the URL of a proxy", name).Then(
				"write it as http://HOST:PORT, with user and password percent-encoded, or leave it out")
		}
		return nil
	}
	return nil
}

// possibleProxy reports whether value names a proxy: a URL, or a host with or without port.
func possibleProxy(value string) bool {
	complete := strings.Contains(value, "://")
	if !complete {
		value = "http://" + value
	}
	u, err := url.Parse(value)
	if err != nil || u.Hostname() == "" || !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme) {
		return false
	}
	if u.Path != "" && u.Path != "/" && !complete || strings.HasPrefix(u.Path, "//") || strings.HasSuffix(u.Host, ":") {
		return false
	}
	port, err := strconv.Atoi(u.Port())
	return u.Port() == "" || err == nil && port > 0 && port < 1<<16
}
