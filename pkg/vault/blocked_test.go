package vault_test

import (
	"bytes"
	"errors"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// wall is the page of a firewall that lets a request not through.
const wall = `<html><head><title>Request Rejected</title><style>b{}</style></head><body>Your support ID is:&nbsp;<b>4711</b></body></html>`

// answering returns a client of something that answers everything so, and how often it was asked.
func answering(t *testing.T, status int, header http.Header, body string) (*vault.Client, *int) {
	t.Helper()
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		for name, values := range header {
			w.Header()[name] = values
		}
		w.WriteHeader(status)
		w.Write([]byte(body))
	}))
	t.Cleanup(server.Close)
	t.Setenv("VAULT_MAX_RETRIES", "0")
	c, err := vault.New(vault.Options{Address: server.URL, Token: secret.New(token), Mount: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	return c, &asked
}

// kind is the one of the kinds of failure that err is, in its own words.
func kind(err error) string {
	for _, k := range []error{vault.ErrBlocked, vault.ErrDenied, vault.ErrNotFound, vault.ErrRedirect, vault.ErrTLS, vault.ErrBusy, vault.ErrSealed, vault.ErrUnreachable} {
		if errors.Is(err, k) {
			return k.Error()
		}
	}
	return ""
}

// Something else than Vault that answers is told apart from Vault, whatever the request: no page is a missing secret, a token
// without rights, or a success.
func TestWhatIsBlocked(t *testing.T) {
	logged := &bytes.Buffer{}
	log.SetOutput(logged)
	t.Cleanup(func() {
		log.SetOutput(os.Stderr)
		if logged.Len() > 0 {
			t.Errorf("net/http complains: %.200s", logged)
		}
	})
	const words = `"Request Rejected Your support ID is: 4711"`
	for name, test := range map[string]struct {
		status int
		header http.Header
		body   string
		kind   error // nil: an error of no kind
		text   string
	}{
		"403 with a page":       {403, nil, wall, vault.ErrBlocked, "403 Forbidden " + words},
		"401 with a page":       {401, nil, wall, vault.ErrBlocked, "401 Unauthorized " + words},
		"404 with a page":       {404, nil, wall, vault.ErrBlocked, "404 Not Found " + words},
		"200 with a page":       {200, nil, wall, vault.ErrBlocked, "200 OK " + words},
		"words":                 {403, nil, "Access denied\r\nID 7\x1b[31m", vault.ErrBlocked, `403 Forbidden "Access denied ID 7 [31m"`},
		"a long page":           {403, nil, strings.Repeat("<p>é</p>", 90_000), vault.ErrBlocked, strings.Repeat("é ", 65) + `é…"`},
		"the token, and others": {403, nil, "<p>no: " + token + " hvb.AAAA " + strings.Repeat("R1", 32), vault.ErrBlocked, `"no: (secret) (secret) (secret)"`},
		"JSON of somebody else": {403, nil, `{"support_id":"4711"}`, vault.ErrBlocked, `"{\"support_id\":\"4711\"}"`},
		"a list":                {403, nil, `["denied"]`, vault.ErrBlocked, "denied"},
		"a login elsewhere":     {302, http.Header{"Location": {"https://sso.example.com/authorize?state=hidden"}}, "", vault.ErrBlocked, `302 Found to another page at "https://sso.example.com"`},
		"a login here":          {303, http.Header{"Location": {"/oauth2/start"}}, "", vault.ErrBlocked, "303 See Other to another page at"},
		"Vault's denial":        {403, nil, denied[4:], vault.ErrDenied, "permission denied"},
		"nothing":               {403, nil, "", vault.ErrDenied, "Forbidden"},
		"Vault without TLS":     {400, nil, "Client sent an HTTP request to an HTTPS server.\n", vault.ErrTLS, "no TLS to a Vault that has it"},
		"a busy proxy":          {429, nil, wall, vault.ErrBusy, "Request Rejected Your support ID is: 4711"},
		"a gateway":             {502, nil, wall, nil, "Request Rejected Your support ID is: 4711"},
	} {
		for doing, call := range calls {
			c, asked := answering(t, test.status, test.header, test.body)
			err := call(t.Context(), c)
			if doing == "Mount" && errors.Is(test.kind, vault.ErrDenied) {
				continue // It takes a denial for an answer.
			}
			want := ""
			if test.kind != nil {
				want = test.kind.Error()
			}
			if err == nil || kind(err) != want || !strings.Contains(err.Error(), test.text) || len(err.Error()) > 700 {
				t.Errorf("%s, %s: error is %v: %q, want %q with %q", name, doing, err, kind(err), want, test.text)
				continue
			}
			for _, not := range []string{token, "hidden", "<", "hvb."} {
				if strings.Contains(err.Error(), not) {
					t.Errorf("%s, %s: the error has %q: %v", name, doing, not, err)
				}
			}
			if *asked != 1 {
				t.Errorf("%s, %s: asked %d times", name, doing, *asked)
			}
			if got := strings.Contains(vault.Next(err), "it is not about the rights of a token"); got != errors.Is(test.kind, vault.ErrBlocked) {
				t.Errorf("%s, %s: next is %q", name, doing, vault.Next(err))
			}
		}
	}
	if next := vault.Next(vault.ErrTLS); !strings.Contains(next, "begin with https://") {
		t.Errorf("next is %q", next)
	}
}

// A proxy that refuses to connect to Vault blocks too, in contrast to one that does not reach it now.
func TestProxyThatRefuses(t *testing.T) {
	for status, want := range map[int]error{403: vault.ErrBlocked, 407: vault.ErrBlocked, 503: vault.ErrUnreachable} {
		asked := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { asked++; w.WriteHeader(status) }))
		t.Cleanup(server.Close)
		t.Setenv("VAULT_PROXY_ADDR", server.URL)
		t.Setenv("VAULT_MAX_RETRIES", "1")
		c, err := vault.New(vault.Options{Address: "https://vault.example.com:8200", Token: secret.New(token), Mount: "secret"})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Read(t.Context(), path)
		if !errors.Is(err, want) || (asked == 1) != (want == vault.ErrBlocked) || !strings.Contains(err.Error(), "answered CONNECT with ") {
			t.Errorf("%d: asked %d times: %v, want %v", status, asked, err, want)
		}
	}
}
