package registry

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/klauspost/compress/gzip"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/registry/transport"
	"github.com/comptech-lab/quay-push/pkg/secret"
)

// maxAnswer is the most that is read of an answer, in bytes.
const maxAnswer = MaxManifest + 1

// call is one request.
type call struct {
	method string
	url    url.URL
	header http.Header
	// body opens the body from its first byte; nil if there is none. It is opened again when the request is repeated.
	body func() (io.ReadCloser, error)
	// size is that of the body in bytes.
	size int64
}

// roundTrip makes one request to the registry host or its token service and reads the answer. authorization may be zero.
func (r *Registry) roundTrip(ctx context.Context, c call, authorization secret.Value) (*Answer, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	request := (&http.Request{Method: c.method, URL: &c.url, Host: c.url.Host, Header: c.header.Clone()}).WithContext(ctx)
	if request.Header == nil {
		request.Header = http.Header{}
	}
	request.Header.Set("User-Agent", "push-image")
	// Without it some servers compress.
	request.Header.Set("Accept-Encoding", "identity")
	if !authorization.IsZero() {
		request.Header.Set("Authorization", authorization.Reveal())
	}
	watch := transport.NewWatch(r.stall, cancel)
	defer watch.Stop()
	if c.body == nil {
		watch.Limit(transport.AnswerTimeout)
	} else if err := setBody(request, c, watch); err != nil {
		return nil, err
	}
	secrets := r.secrets(authorization)
	response, err := r.client.Do(request)
	if err != nil {
		return nil, r.unanswered(ctx, c, watch, secrets, err)
	}
	defer response.Body.Close()
	watch.Limit(transport.AnswerTimeout)
	body, err := readBody(response)
	if err != nil {
		return nil, r.unanswered(ctx, c, watch, secrets, err)
	}
	return &Answer{c.method, c.url, response.StatusCode, response.Header, body, secrets}, nil
}

// readBody reads what there is of an answer, up to maxAnswer. Some servers compress what nobody asked them to.
func readBody(response *http.Response) ([]byte, error) {
	encoded := bufio.NewReader(io.LimitReader(response.Body, maxAnswer))
	var content io.Reader = encoded
	if _, err := encoded.Peek(1); err == nil && strings.HasSuffix(strings.ToLower(response.Header.Get("Content-Encoding")), "gzip") {
		decoded, err := gzip.NewReader(encoded)
		if err != nil {
			return nil, err
		}
		content = io.LimitReader(decoded, maxAnswer)
	}
	return io.ReadAll(content)
}

// setBody gives the request a body that can be read again.
func setBody(request *http.Request, c call, watch *transport.Watch) error {
	request.ContentLength = c.size
	request.GetBody = func() (io.ReadCloser, error) {
		content, err := c.body()
		if err != nil {
			return nil, err
		}
		return watch.Reader(content), nil
	}
	if c.size == 0 {
		request.Body = http.NoBody
		return nil
	}
	var err error
	request.Body, err = request.GetBody()
	return err
}

// unanswered drops the URL and the secrets from an error of net/http, and finds the real cause: a query may hold a signature.
func (r *Registry) unanswered(ctx context.Context, c call, watch *transport.Watch, secrets secrets, err error) error {
	if reason := (*failure.Error)(nil); errors.As(watch.Failure(), &reason) {
		return reason
	}
	if cause := context.Cause(ctx); errors.Is(cause, failure.ErrStalled) {
		err = cause
	}
	if outer := (*url.Error)(nil); errors.As(err, &outer) {
		err = outer.Err
	}
	return &failure.Request{Method: c.method, Host: c.url.Host, Path: c.url.Path, Err: secrets.hideError(err)}
}
