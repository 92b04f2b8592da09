package federation_test

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/internal/oidctest"
	"github.com/comptech-lab/quay-push/pkg/federation"
	"github.com/comptech-lab/quay-push/pkg/secret"
)

// A server that sends back what it was sent, in whatever place and writing, gets none of it into an error.
func TestNoTokenInAnError(t *testing.T) {
	i := oidctest.Start(t)
	token := i.Token(subject)
	parts := strings.Split(token, ".")
	echoes := map[string]func(r *http.Request) string{
		"the header":     func(r *http.Request) string { return r.Header.Get("Authorization") },
		"the token":      func(*http.Request) string { return token },
		"the claims":     func(*http.Request) string { return "claims " + parts[1] },
		"the signature":  func(*http.Request) string { return "signature=" + parts[2] + "." },
		"half a token":   func(*http.Request) string { return token[:len(token)/2] },
		"escaped":        func(*http.Request) string { return url.QueryEscape(robot + ":" + token) },
		"base64 of it":   func(*http.Request) string { return base64.StdEncoding.EncodeToString([]byte(token)) },
		"terminal codes": func(*http.Request) string { return "\x1b[2J" + token + "\x1b]0;x\x07" },
	}
	answers := map[string]func(w http.ResponseWriter, text string){
		"a message":  func(w http.ResponseWriter, text string) { w.WriteHeader(400); fmt.Fprintf(w, `{"message":%q}`, text) },
		"an error":   func(w http.ResponseWriter, text string) { w.WriteHeader(401); fmt.Fprintf(w, `{"error":%q}`, text) },
		"a page":     func(w http.ResponseWriter, text string) { w.WriteHeader(403); fmt.Fprintf(w, "<p>%s</p>", text) },
		"a 200":      func(w http.ResponseWriter, text string) { fmt.Fprintf(w, "<p>%s</p>", text) },
		"a crash":    func(w http.ResponseWriter, text string) { w.WriteHeader(500); fmt.Fprint(w, text) },
		"the server": func(w http.ResponseWriter, text string) { w.Header().Set("Server", clean(text)); w.WriteHeader(403) },
		"the type": func(w http.ResponseWriter, text string) {
			w.Header().Set("Content-Type", clean(text))
			w.WriteHeader(403)
		},
		"another token": func(w http.ResponseWriter, text string) { fmt.Fprintf(w, `{"tokens":[%q]}`, text) },
	}
	for where, answer := range answers {
		for what, echo := range echoes {
			e := answering(t, func(w http.ResponseWriter, r *http.Request) { answer(w, echo(r)) })
			_, _, err := e.Exchange(t.Context(), robot, secret.New(token))
			if err == nil {
				t.Fatalf("%s in %s: no error", what, where)
			}
			for _, part := range append(parts, parts[2][:45], parts[1][30:80]) {
				if text := err.Error(); strings.Contains(text, part) || strings.ContainsAny(text, "\x1b\x07\n") {
					t.Errorf("%s in %s: the error is %q", what, where, text)
				}
			}
		}
	}
}

// clean is text as a header may have it.
func clean(text string) string { return strings.NewReplacer("\x1b", "", "\x07", "").Replace(text) }

// What is no HTTP is quoted by net/http; the token in it is not.
func TestNoTokenInATransportError(t *testing.T) {
	i := oidctest.Start(t)
	token := i.Token(subject)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			// Not before it is asked.
			if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				fmt.Fprintf(c, "HTTP/1.1 %s\r\n\r\n", token)
			}
			c.Close()
		}
	}()
	e := federation.Exchanger{Client: &http.Client{}, Base: parse(t, "http://"+listener.Addr().String()), Pause: time.Millisecond}
	_, _, err = e.Exchange(t.Context(), robot, secret.New(token))
	if causeOf(err) != federation.CauseUnreachable || strings.Contains(err.Error(), token) || !strings.Contains(err.Error(), secret.Mark) {
		t.Errorf("error is %v", err)
	}
}

// A large answer is not read to its end, and a redirect is not followed: it could carry the token elsewhere.
func TestAnswerIsBounded(t *testing.T) {
	i := oidctest.Start(t)
	elsewhere := answering(t, func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") })
	for name, answer := range map[string]http.HandlerFunc{
		"endless": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write([]byte(strings.Repeat("<p>words</p>", 1000))); err != nil {
					return
				}
			}
		},
		"elsewhere": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.Base.String(), http.StatusFound)
		},
	} {
		began := time.Now()
		_, _, err := answering(t, answer).Exchange(t.Context(), robot, secret.New(i.Token(subject)))
		if took := time.Since(began); causeOf(err) != federation.CauseForeign || len(err.Error()) > 1000 || took > 5*time.Second {
			t.Errorf("%s: after %s the error is %v", name, took, err)
		}
	}
}
