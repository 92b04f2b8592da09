package push

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/comptech-lab/quay-push/pkg/dockerconfig"
	"github.com/comptech-lab/quay-push/pkg/secret"
)

// maxAnswer is the most that is read of an answer, in bytes.
const maxAnswer = maxManifest + 1

// registry is one repository of one registry, as one robot.
type registry struct {
	base       url.URL // scheme and host alone
	repository string
	// role is what it is for the push, for errors; caFile is --ca-file.
	role   role
	caFile string
	// tokenHost is the host that gets the robot's credential.
	tokenHost  string
	credential dockerconfig.Credential
	client     *http.Client
	// challenge is the registry's, once ping has seen it; tokens are there once rights has asked for one.
	challenge challenge
	tokens    *tokens
	now       func() time.Time
	// mountFrom is the repository that blobs are mounted from; empty: the repository itself.
	mountFrom string
	// ignoresBody is set once the registry did not take a blob with the request that starts its upload.
	ignoresBody atomic.Bool
	// ahead starts to dial the connection of a large body that may follow soon, and returns what to call when it follows, or
	// does not; nil where that cannot be.
	ahead func(ctx context.Context) (release func())
	// stall is how long a body may stand still.
	stall time.Duration
}

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

// url is the address of a path below the repository.
func (r *registry) url(path string, query url.Values) url.URL {
	u := r.base
	u.Path = "/v2/" + r.repository + "/" + path
	u.RawQuery = query.Encode()
	return u
}

// do sends c with the token. When the registry refuses the token, it is renewed and c is sent once more from the start.
func (r *registry) do(ctx context.Context, c call) (*answer, error) {
	t, err := r.tokens.get(ctx, secret.Value{})
	if err != nil {
		return nil, err
	}
	a, err := r.send(ctx, c, t.header)
	if err != nil || a.status != http.StatusUnauthorized {
		return a, err
	}
	fresh, err := r.tokens.get(ctx, t.header)
	if err != nil {
		return nil, err
	}
	if !fresh.header.Equal(t.header) {
		a, err = r.send(ctx, c, fresh.header)
	}
	if err == nil && a.status == http.StatusUnauthorized {
		return nil, r.unaccepted(a, fresh)
	}
	return a, err
}

// unacceptedError is a token that was refused as soon as it was bought. That may pass: the token service's clock may be ahead
// of the registry's.
type unacceptedError struct {
	*answerError
	// bought is false where the registry has no token service; known and actions are what the token says it is for.
	bought, known bool
	actions       []string
}

// Unwrap returns the answer.
func (e *unacceptedError) Unwrap() error { return e.answerError }

// unaccepted is the error for an answer that refuses t.
func (r *registry) unaccepted(a *answer, t token) error {
	return &unacceptedError{a.err(), r.challenge.realm != "", t.known, t.actions(r.repository)}
}

// send makes one request to the registry host or its token service and reads the answer. authorization may be zero.
func (r *registry) send(ctx context.Context, c call, authorization secret.Value) (*answer, error) {
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
	watch := newWatch(r.stall, cancel)
	defer watch.stop()
	if c.body == nil {
		watch.limit(answerTimeout)
	} else if err := setBody(request, c, watch); err != nil {
		return nil, err
	}
	response, err := r.client.Do(request)
	if err != nil {
		return nil, r.explain(ctx, c, watch, err)
	}
	defer response.Body.Close()
	watch.limit(answerTimeout)
	body, err := readBody(response)
	if err != nil {
		return nil, r.explain(ctx, c, watch, err)
	}
	return &answer{c.method, c.url, response.StatusCode, response.Header, r.redact(body, authorization)}, nil
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
func setBody(request *http.Request, c call, watch *watch) error {
	request.ContentLength = c.size
	request.GetBody = func() (io.ReadCloser, error) {
		content, err := c.body()
		if err != nil {
			return nil, err
		}
		return watch.reader(content), nil
	}
	if c.size == 0 {
		request.Body = http.NoBody
		return nil
	}
	var err error
	request.Body, err = request.GetBody()
	return err
}

// explain drops the URL from an error of net/http, since a query may hold a signature, and finds the real cause.
func (r *registry) explain(ctx context.Context, c call, watch *watch, err error) error {
	if failure := (*Error)(nil); errors.As(watch.failure(), &failure) {
		return failure
	}
	if cause := context.Cause(ctx); errors.Is(cause, errStalled) {
		err = cause
	}
	if outer := (*url.Error)(nil); errors.As(err, &outer) {
		err = outer.Err
	}
	return &requestError{method: c.method, host: c.url.Host, path: c.url.Path, err: err}
}

// redact takes the secrets of a request out of what the server said: some echo what they were sent.
func (r *registry) redact(body []byte, authorization secret.Value) []byte {
	said := string(body)
	text := authorization.Redact(r.credential.Authorization().Redact(said))
	if text == said {
		return body
	}
	return []byte(text)
}

// requestError is a request that got no answer.
type requestError struct {
	method, host, path string
	err                error
}

func (e *requestError) Error() string {
	return fmt.Sprintf("%s %s on %s: %v", e.method, e.path, e.host, e.err)
}

func (e *requestError) Unwrap() error { return e.err }
