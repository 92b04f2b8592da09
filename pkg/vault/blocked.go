package vault

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"

	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/shown"
)

// ErrBlocked: something else than Vault answered, such as a proxy, a firewall or a login, and let the request not through. It
// says nothing about the rights of a token, or about what Vault has.
var ErrBlocked = errors.New("blocked in front of Vault")

const (
	// maxHead is how much of an answer is looked at, in bytes; maxWords how much of a page is told.
	maxHead  = 64 << 10
	maxWords = 200
)

// tlsOnly is what a Vault with TLS, as any server in Go, answers to a request without (net/http server.go).
const tlsOnly = "Client sent an HTTP request to an HTTPS server"

// checkPage returns an error that wraps ErrBlocked if the answer to r has not the form of Vault's, which is a JSON object: what it
// succeeds with, errors, or what is left of a version that is deleted. A gateway that says that Vault is away does not block.
func checkPage(r *http.Request, answer *http.Response) error {
	if answer.StatusCode == http.StatusTooManyRequests || answer.StatusCode >= 500 {
		return nil
	}
	body, rest := bufio.NewReaderSize(answer.Body, maxHead), answer.Body
	head, _ := body.Peek(maxHead) // An error comes again when the rest is read.
	answer.Body = struct {
		io.Reader
		io.Closer
	}{body, rest}
	text := bytes.TrimSpace(head)
	if len(text) == 0 || text[0] == '{' && (answer.StatusCode < 300 || isVaults(text)) || bytes.Contains(text, []byte(tlsOnly)) {
		return nil
	}
	rest.Close()
	return blocked(r, answer, fmt.Sprintf("%q", words(string(text), secret.New(r.Header.Get("X-Vault-Token")))))
}

// isVaults reports whether an object of JSON is one that Vault answers, or one that breaks off.
func isVaults(text []byte) bool {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return true
	}
	return fields["errors"] != nil || fields["data"] != nil || fields["request_id"] != nil
}

// blocked is the error for an answer of something in front of Vault.
func blocked(r *http.Request, answer *http.Response, proof string) error {
	return &failure{ErrBlocked, fmt.Sprintf("%s %s: %d %s %s", r.Method, r.URL.Path, answer.StatusCode, http.StatusText(answer.StatusCode), proof)}
}

// tokens are what has the form of a token of Vault, of Quay or of a ServiceAccount.
var tokens = regexp.MustCompile(`hv[a-z]\.[A-Za-z0-9_-]+|\b[bsr]\.[A-Za-z0-9]{20,}|[A-Z0-9]{40,}|eyJ[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*`)

// words are those of a page on one line, bounded and without tokens.
func words(page string, token secret.Value) string {
	text := hide(shown.Page(hide(page, token)), token)
	return shown.Cut(text, maxWords)
}

// hide takes out the token and whatever has the form of one.
func hide(text string, token secret.Value) string {
	return tokens.ReplaceAllString(token.Redact(text), "(secret)")
}
