// Package proxy tells the refusal of a proxy apart from a server that does not answer.
package proxy

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
)

// Refusal is the answer of a proxy that does not connect to a server. net/http has nothing but its words for it, such as
// "Forbidden", which a person takes for those of the server.
type Refusal struct {
	// Host is the proxy's, Status its answer to CONNECT.
	Host   string
	Status int
}

// Error is who refused, and how.
func (r *Refusal) Error() string {
	return fmt.Sprintf("the proxy %s answered CONNECT with %d %s", r.Host, r.Status, http.StatusText(r.Status))
}

// ForGood reports whether the proxy refuses, in contrast to not reaching the server now.
func (r *Refusal) ForGood() bool { return r.Status < http.StatusInternalServerError }

// Connected returns a *Refusal if a proxy's answer to CONNECT is one. It is for http.Transport's OnProxyConnectResponse.
func Connected(_ context.Context, proxy *url.URL, _ *http.Request, answer *http.Response) error {
	if answer.StatusCode == http.StatusOK {
		return nil
	}
	return &Refusal{proxy.Host, answer.StatusCode}
}
