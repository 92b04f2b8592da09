package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/secret"
)

// maxRedirects is how often a request for a blob may be sent elsewhere: Quay sends it to its object store, once.
const maxRedirects = 3

// getBlob asks for d from byte at on. The caller closes the body.
func (r *Registry) getBlob(ctx context.Context, d v1.Descriptor, at int64) (*delivery, error) {
	u := r.URL("blobs/"+d.Digest.String(), nil)
	t, err := r.tokens.get(ctx, secret.Value{})
	if err != nil {
		return nil, err
	}
	response, err := r.getBytes(ctx, &u, at, t.header)
	if err == nil && response.StatusCode == http.StatusUnauthorized {
		response.Body.Close()
		if t, err = r.tokens.get(ctx, t.header); err == nil {
			response, err = r.getBytes(ctx, &u, at, t.header)
		}
		if err == nil && response.StatusCode == http.StatusUnauthorized {
			return nil, r.unaccepted(r.readAnswer(&u, response, t), t)
		}
	}
	var next *url.URL
	for range maxRedirects {
		if err != nil || response.StatusCode/100 != 3 {
			break
		}
		// The address is signed, so it needs no credential, and gets none: the host is another one.
		if next, err = response.Location(); err != nil {
			return nil, r.readAnswer(&u, response, t).err()
		}
		response.Body.Close()
		if next.Scheme != r.Base.Scheme || next.User != nil {
			return nil, &failure.Redirect{To: next}
		}
		response, err = r.getBytes(ctx, next, at, secret.Value{})
	}
	switch {
	case err != nil:
		return nil, err
	case response.StatusCode == http.StatusOK || response.StatusCode == http.StatusPartialContent && at > 0:
		return &delivery{Response: response, secrets: r.secrets(t.header)}, nil
	}
	if response.StatusCode/100 == 3 && next != nil {
		response.Body.Close()
		return nil, &failure.Redirect{To: next}
	}
	return nil, r.readAnswer(&u, response, t).err()
}

// readAnswer reads the answer to a request for u with the given token, and closes it.
func (r *Registry) readAnswer(u *url.URL, response *http.Response, t token) *Answer {
	defer response.Body.Close()
	body, _ := readBody(response) // What is missing of an error only makes it shorter.
	return &Answer{http.MethodGet, *u, response.StatusCode, response.Header, body, r.secrets(t.header)}
}

// getBytes makes one request for what is at u from byte at on, and follows no redirect.
func (r *Registry) getBytes(ctx context.Context, u *url.URL, at int64, authorization secret.Value) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", "push-image")
	request.Header.Set("Accept-Encoding", "identity")
	if !authorization.IsZero() {
		request.Header.Set("Authorization", authorization.Reveal())
	}
	if at > 0 {
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-", at))
	}
	client := http.Client{Transport: r.client.Transport, CheckRedirect: useLastResponse}
	response, err := client.Do(request)
	if outer := (*url.Error)(nil); errors.As(err, &outer) {
		// Its text has the address, and that a signature.
		err = outer.Err
	}
	if err != nil {
		return nil, &failure.Request{Method: http.MethodGet, Host: u.Host, Path: u.Path, Err: r.secrets(authorization).hideError(err)}
	}
	return response, nil
}

func useLastResponse(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
