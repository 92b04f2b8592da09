package quay

import (
	"bytes"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/proxy"
)

// IsBlocked reports whether err is the answer of something else than Quay, such as a proxy, a firewall or a login, which let the
// request not through. It says nothing about the rights of a token, or about what Quay has.
func IsBlocked(err error) bool {
	e, refusal := (*Error)(nil), (*proxy.Refusal)(nil)
	return errors.As(err, &e) && (e.login || e.page && e.Status < 500 && e.Status != http.StatusTooManyRequests) ||
		errors.As(err, &refusal) && refusal.ForGood()
}

// isPage reports whether a body is no JSON from its first character on, in contrast to JSON that breaks off.
func isPage(body []byte) bool {
	text := bytes.TrimSpace(body)
	return len(text) > 0 && !bytes.ContainsAny(text[:1], `{["`)
}

// toLogin reports whether a redirect from a path leads to another page: Quay's own address, or that of its storage, has the same
// path. A redirect for good is one of whoever keeps an address.
func toLogin(status int, path string, to *url.URL) bool {
	passing := status == http.StatusFound || status == http.StatusSeeOther || status == http.StatusTemporaryRedirect
	return passing && strings.Trim(to.Path, "/") != strings.Trim(path, "/")
}
