package push

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// maxRedirects is how often a request for a blob may be sent elsewhere: Quay sends it to its object store, once.
const maxRedirects = 3

// getBlob asks for d from byte at on. The caller closes the body.
func (r *remote) getBlob(ctx context.Context, d v1.Descriptor, at int64) (*http.Response, error) {
	u := r.url("blobs/"+d.Digest.String(), nil)
	t, err := r.tokens.get(ctx, "")
	if err != nil {
		return nil, err
	}
	response, err := r.getBytes(ctx, &u, at, t.header)
	if err == nil && response.StatusCode == http.StatusUnauthorized {
		response.Body.Close()
		if t, err = r.tokens.get(ctx, t.header); err == nil {
			response, err = r.getBytes(ctx, &u, at, t.header)
		}
	}
	for range maxRedirects {
		if err != nil || response.StatusCode/100 != 3 {
			break
		}
		response.Body.Close()
		// The address is signed, so it needs no credential, and gets none: the host is another one.
		var next *url.URL
		if next, err = response.Location(); err != nil || next.Scheme != r.base.Scheme || next.User != nil {
			return nil, errRedirect
		}
		response, err = r.getBytes(ctx, next, at, "")
	}
	switch {
	case err != nil:
		return nil, err
	case response.StatusCode == http.StatusOK || response.StatusCode == http.StatusPartialContent && at > 0:
		return response, nil
	}
	defer response.Body.Close()
	if response.StatusCode/100 == 3 {
		return nil, errRedirect
	}
	body, _ := io.ReadAll(io.LimitReader(response.Body, maxAnswer)) // What is missing of an error only makes it shorter.
	a := answer{http.MethodGet, u.Path, response.StatusCode, response.Header, r.redact(body, t.header)}
	return nil, a.err()
}

// getBytes makes one request for what is at u from byte at on, and follows no redirect.
func (r *remote) getBytes(ctx context.Context, u *url.URL, at int64, authorization string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", "push-image")
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
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
	return response, err
}

func useLastResponse(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
