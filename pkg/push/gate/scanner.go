package gate

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/comptech-lab/quay-push/pkg/push/credential"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/registry/retry"
	"github.com/comptech-lab/quay-push/pkg/push/verdict"
	"github.com/comptech-lab/quay-push/pkg/shown"
)

const (
	// answerTimeout is how long the answer to one question may take, read to its end.
	answerTimeout = 2 * time.Minute
	// maxError is how much is read of an answer that is no verdict, in bytes.
	maxError = 64 << 10
)

// Scanner asks Quay's scanner, with a robot's credential: that path of the management API takes it (quay/quay endpoints/api/secscan.py).
type Scanner struct {
	// Client follows no redirect: its error for one is a *failure.Redirect.
	Client *http.Client
	// Base is scheme and host of Quay, which are those of its token service: the credential goes there.
	Base url.URL
	// Repository is organization/name, Robot whom Credential is of.
	Repository, Robot string
	Credential        credential.Source
}

// What Ask can end in, beside errors of the request.
var (
	// ErrOff is a Quay without a scanner: its API has no such path. It looks for a repository whose name goes on with /manifest/…, and there it
	// takes no robot's credential and asks for one; or for a web page. One that took the robot's token back answers the same.
	ErrOff = errors.New("this Quay has no such path")
	// ErrUnknown is a digest that Quay's API does not know.
	ErrUnknown = errors.New("this Quay knows no such digest")
)

// Away is an answer of a Quay that does not reach its scanner (quay/quay endpoints/exception.py, DownstreamIssue).
type Away struct{ Err error }

func (e *Away) Error() string { return e.Err.Error() }

func (e *Away) Unwrap() error { return e.Err }

// Ask asks for the manifest digest, sha256:<hex>, with one call of each for every vulnerability in it. The error may be an *Away, ErrOff,
// ErrUnknown, a *failure.Error, a shape error of package verdict, or a *failure.Request or *failure.Answer.
func (s Scanner) Ask(ctx context.Context, digest string, each func(verdict.Vulnerability) error) (verdict.Verdict, error) {
	robot, err := s.Credential.Get(ctx)
	if err != nil {
		return verdict.Verdict{}, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, answerTimeout, failure.ErrStalled)
	defer cancel()
	u := verdict.URL(s.Base, s.Repository, digest)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return verdict.Verdict{}, err
	}
	// Quay may refuse what calls itself a browser.
	request.Header.Set("User-Agent", "push-image")
	request.Header.Set("Accept-Encoding", "identity")
	request.Header.Set("Authorization", robot.Authorization().Reveal())
	response, err := s.Client.Do(request)
	if err != nil {
		return verdict.Verdict{}, s.unanswered(u, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return verdict.Verdict{}, s.refusal(u, response)
	}
	body := &arriving{Reader: response.Body}
	v, err := verdict.Read(body, each)
	if body.err != nil {
		return verdict.Verdict{}, s.unanswered(u, body.err)
	}
	return v, err
}

// unanswered is the error for a request that err kept from being answered to the end. A redirect to the same path with a slash behind it is
// how Quay says that it has no such path.
func (s Scanner) unanswered(u *url.URL, err error) error {
	if outer := (*url.Error)(nil); errors.As(err, &outer) {
		err = outer.Err
	}
	if redirected := (*failure.Redirect)(nil); errors.As(err, &redirected) && redirected.To.Path == u.Path+"/" {
		return fmt.Errorf("%w: GET %s is redirected to a web page", ErrOff, u.Path)
	}
	if text := s.hide(err.Error()); text != err.Error() {
		err = errors.New(text)
	}
	return &failure.Request{Method: http.MethodGet, Host: u.Host, Path: u.Path, Err: err}
}

// refusal is the error for an answer other than a verdict.
func (s Scanner) refusal(u *url.URL, response *http.Response) error {
	body, _ := io.ReadAll(io.LimitReader(response.Body, maxError)) // What is missing of an error only makes it shorter.
	a := &failure.Answer{Method: http.MethodGet, Path: u.Path, Status: response.StatusCode, Header: http.Header{}}
	for _, name := range []string{"Server", "Content-Type", "Retry-After"} {
		a.Header.Set(name, s.hide(response.Header.Get(name)))
	}
	var said struct {
		Type  string `json:"error_type"`
		Error string `json:"error_message"`
		Other string `json:"message"`
	}
	if json.Unmarshal(body, &said) != nil || said.Type+said.Error+said.Other == "" {
		a.Page = failure.Page(body, s.hide)
	}
	a.Code, a.Message = s.hide(said.Type), s.hide(cmp.Or(said.Error, said.Other))
	switch {
	case a.Status == http.StatusNotFound && a.Code == "not_found":
		return fmt.Errorf("%w: %w", ErrUnknown, a)
	case a.Status == http.StatusNotFound, a.Status == http.StatusUnauthorized && a.Message == "Requires authentication":
		return fmt.Errorf("%w: %w", ErrOff, a)
	case a.Status == 520 && !a.Foreign():
		return &Away{a}
	case a.Status == http.StatusUnauthorized && !a.Foreign():
		return &failure.Error{Class: failure.ClassCredentialRefused, Problem: fmt.Sprintf("Quay's API does not take %s", shown.User(s.Robot)), Proof: a.Error(),
			Next: "ask whoever runs Quay whether something in front of it strips the Authorization header: its registry has taken the same credential"}
	case a.Status == http.StatusForbidden && !a.Foreign():
		return &failure.Error{Class: failure.ClassNoAccess, Problem: fmt.Sprintf("%s may not read the verdicts on %s", shown.User(s.Robot), s.Repository), Proof: a.Error(),
			Next: "give the robot Write on the repository, which includes Read"}
	}
	return a
}

// hide takes the robot's secrets out of what a server said.
func (s Scanner) hide(text string) string {
	for _, value := range s.Credential.Secrets() {
		text = value.Redact(text)
	}
	return text
}

// Close ends the connections that wait for a use; the zero value has none.
func (s Scanner) Close() {
	if s.Client != nil {
		s.Client.CloseIdleConnections()
	}
}

// passing reports whether asking again may help after err, and how long Quay wants to be left alone.
func passing(err error) (again bool, wait time.Duration) {
	return IsUnknown(err) || retry.Passing(err), retry.After(err)
}

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
