package quay

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/comptech-lab/quay-push/pkg/secret"
)

const (
	// answerTimeout is how long one request may take.
	answerTimeout = 30 * time.Second
	// maxAnswer is the largest answer in bytes that is read.
	maxAnswer = 8 << 20
	// defaultRate is below what Quay's nginx lets one connection ask per second where limits are on
	// (quay/quay conf/nginx/rate-limiting.conf.jnj).
	defaultRate = 40
)

// Options say which Quay to speak to and as whom.
type Options struct {
	// URL is the address of Quay, such as https://quay.example.com. Its host is the name in Quay's own tokens.
	URL string
	// Token is the OAuth token of an application in Quay, with the scopes org:admin and repo:admin. It may be empty for a
	// client that asks nothing but Rights and Version.
	Token secret.Value
	// HTTPClient sends the requests; nil means one that uses the system's certificates. Redirects are never followed.
	HTTPClient *http.Client
	// Rate is the most requests in any second, whatever came before; 0 means 40.
	Rate float64
	// Pause is the time before the first retry, each further one takes twice as long; 0 means half a second.
	Pause time.Duration
}

// Client is safe for concurrent use. Printing it shows no token.
type Client struct {
	base  *url.URL
	token secret.Value
	http  *http.Client
	pace  *pace
	pause time.Duration
	// date is that of the last answer, by Quay's clock; nil where it had none.
	date atomic.Pointer[time.Time]
}

// New returns a client for opts. The error says what is wrong with the URL, without the token.
func New(opts Options) (*Client, error) {
	base, err := url.Parse(opts.URL)
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" || strings.Trim(base.Path, "/") != "" || base.User != nil {
		return nil, fmt.Errorf("quay URL %q is not https://host or https://host:port", opts.URL)
	}
	if strings.ContainsAny(opts.Token.Reveal(), " \r\n\t") {
		return nil, errors.New("the OAuth token has a space or a newline in it")
	}
	client := http.Client{Timeout: answerTimeout}
	if opts.HTTPClient != nil {
		client = *opts.HTTPClient
	}
	// A redirect could carry the token to another host.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{
		base:  &url.URL{Scheme: base.Scheme, Host: base.Host},
		token: opts.Token,
		http:  &client,
		pace:  newPace(cmp.Or(opts.Rate, defaultRate)),
		pause: cmp.Or(opts.Pause, 500*time.Millisecond),
	}, nil
}

// Host is the host of Quay, with its port if it has one.
func (c *Client) Host() string { return c.base.Host }

// call is one request to Quay.
type call struct {
	method string
	// path has the elements of the path, each still to be escaped.
	path []string
	// slash ends the path with one.
	slash bool
	query url.Values
	// in is sent as JSON, nil for no body; out takes the JSON of the answer, nil to ignore it.
	in, out any
	// authorization is the header that is sent in place of the client's token.
	authorization secret.Value
	// again says that sending it twice does no more than sending it once.
	again bool
	// scope is what the OAuth token needs for it.
	scope string
}

// do sends a call to the management API and retries it where that is safe.
func (c *Client) do(ctx context.Context, r call) error {
	r.scope = r.needs()
	r.path = append([]string{"api", "v1"}, r.path...)
	r.again = r.again || r.method != http.MethodPost
	return c.send(ctx, r)
}

// send sends a call, as often as retry allows.
func (c *Client) send(ctx context.Context, r call) error {
	target, err := c.target(r)
	if err != nil {
		return err
	}
	var body []byte
	if r.in != nil {
		if body, err = json.Marshal(r.in); err != nil {
			return fmt.Errorf("encoding the body of %s %s: %w", r.method, target.Path, err)
		}
	}
	return c.retry(ctx, r.again, func() error { return c.try(ctx, r, target, body) })
}

// target is the URL of a call. An element that would lead elsewhere is an error.
func (c *Client) target(r call) (*url.URL, error) {
	escaped := make([]string, len(r.path))
	for i, element := range r.path {
		if element == "" || element == "." || element == ".." {
			return nil, fmt.Errorf("%q cannot be a name in Quay", element)
		}
		escaped[i] = url.PathEscape(element)
	}
	raw := "/" + strings.Join(escaped, "/")
	if r.slash {
		raw += "/"
	}
	target := *c.base
	path, err := url.PathUnescape(raw)
	if err != nil {
		return nil, err
	}
	target.Path, target.RawPath, target.RawQuery = path, raw, r.query.Encode()
	return &target, nil
}

// try sends a call once.
func (c *Client) try(ctx context.Context, r call, target *url.URL, body []byte) error {
	if err := c.pace.wait(ctx); err != nil {
		return fmt.Errorf("waiting to ask Quay: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, r.method, target.String(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	request.Header.Set("Accept", "application/json")
	authorization := r.authorization
	if authorization.IsZero() {
		authorization = c.token.Bearer()
	}
	if !authorization.IsZero() {
		request.Header.Set("Authorization", authorization.Reveal())
	}
	response, err := c.http.Do(request)
	if err != nil {
		return &transportError{r.method, target.Path, unwrapURL(err)}
	}
	defer response.Body.Close()
	c.note(response.Header)
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return &transportError{r.method, target.Path, err}
	case len(answer) > maxAnswer:
		return &unsureError{fmt.Errorf("%s %s: the answer has more than %d bytes", r.method, target.Path, maxAnswer)}
	case response.StatusCode < 200 || response.StatusCode > 299:
		return newError(r, target.Path, response, answer, c.token)
	case isPage(answer):
		// Not even "done" is what Quay says with that.
		return &unsureError{newError(r, target.Path, response, answer, c.token)}
	case r.out == nil:
		return nil
	}
	if err := json.Unmarshal(answer, r.out); err != nil {
		// The text of a JSON error can quote the answer, and that may be a robot with its token.
		return &unsureError{fmt.Errorf("%s %s: the answer is not what Quay's API answers; check that %q is Quay itself", r.method, target.Path, c.base)}
	}
	return nil
}

// unwrapURL takes off the layer of net/http that repeats method and URL.
func unwrapURL(err error) error {
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
