package registry

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// verdictTimeout is how long the answer to one question for a verdict may take, read to its end.
const verdictTimeout = 2 * time.Minute

// NoRoute is the answer of a Quay that has no such path in its API: it looks for a web page of that name.
type NoRoute struct{ *failure.Answer }

// Unwrap returns the answer.
func (e *NoRoute) Unwrap() error { return e.Answer }

// Verdict has read take what Quay's scanner says of a manifest, sha256:<hex>, as it comes: it may be large. It asks with the robot's
// credential, which that path of the management API takes (quay/quay endpoints/api/secscan.py), where the tokens come from: a
// Quay's API is where its token service is. The error is a *NoRoute where Quay has no scanner, read's, or that of the request.
func (r *Registry) Verdict(ctx context.Context, digest string, read func(io.Reader) error) error {
	u := url.URL{Scheme: r.Base.Scheme, Host: r.tokenHost, Path: "/api/v1/repository/" + r.repository + "/manifest/" + digest + "/security", RawQuery: "vulnerabilities=true"}
	authorization, err := r.authorization(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, verdictTimeout, failure.ErrStalled)
	defer cancel()
	response, err := r.getBytes(ctx, &u, 0, authorization)
	if err != nil {
		return err
	}
	if response.StatusCode == http.StatusOK {
		defer response.Body.Close()
		body := &arriving{Reader: response.Body}
		if err := read(body); body.err == nil {
			return err
		}
		return &failure.Request{Method: http.MethodGet, Host: u.Host, Path: u.Path, Err: r.secrets(authorization).hideError(body.err)}
	}
	a := r.readAnswer(&u, response, token{header: authorization})
	if response.StatusCode/100 == 3 {
		next, err := response.Location()
		switch {
		case err != nil:
			return a.err()
		case next.Path == u.Path+"/":
			return &NoRoute{a.err()}
		}
		return &failure.Redirect{To: next}
	}
	if said := a.err(); a.status == http.StatusNotFound && said.Code != apiUnknown {
		return &NoRoute{said}
	}
	return a.err()
}

// apiUnknown is how Quay's API says that it has no such repository or manifest (quay/quay endpoints/exception.py, NotFound).
const apiUnknown = "not_found"

// arriving keeps the error with which a body broke off.
type arriving struct {
	io.Reader
	err error
}

func (a *arriving) Read(p []byte) (int, error) {
	n, err := a.Reader.Read(p)
	if err != nil && err != io.EOF {
		a.err = err
	}
	return n, err
}
