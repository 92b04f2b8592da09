package registry

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/comptech-lab/quay-push/pkg/dockerconfig"
	"github.com/comptech-lab/quay-push/pkg/push/credential"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/registry/retry"
)

// What the hostile servers of this test may echo: the robot's password, which HTML writes with entities, and a bearer token.
const (
	password = `Pa&ss<w0rd>'12345678`
	bearer   = "eyJhbGciOiJub25lIn0.eyJhY2Nlc3MiOltdfQ.c2lnbmF0dXJlc2lnbmF0dXJl"
)

// Servers that send back what they were sent, in the ways in which HTTP and HTML let them.
var echoes = map[string]http.HandlerFunc{
	"page":      func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "<p>no: %s</p>", authorizationOf(r)) },
	"page, 403": func(w http.ResponseWriter, r *http.Request) { refuse(w, "<p>no: "+authorizationOf(r)+"</p>") },
	"text, 403": func(w http.ResponseWriter, r *http.Request) { refuse(w, "no: "+authorizationOf(r)) },
	"JSON, 403": func(w http.ResponseWriter, r *http.Request) {
		refuse(w, fmt.Sprintf(`{"message":%q}`, authorizationOf(r)))
	},
	"entities": func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "<p>%s</p>", entities(authorizationOf(r)))
	},
	"entities in a refusal": func(w http.ResponseWriter, r *http.Request) {
		refuse(w, "<p>"+entities(authorizationOf(r))+"</p>")
	},
	"password in entities": func(w http.ResponseWriter, r *http.Request) {
		refuse(w, "<p>wrong: Pa&amp;ss&lt;w0rd&gt;&#39;12345678</p>")
	},
	"gzip page": func(w http.ResponseWriter, r *http.Request) { compressed(w, "<p>no: "+authorizationOf(r)+"</p>") },
	"gzip JSON": func(w http.ResponseWriter, r *http.Request) {
		compressed(w, fmt.Sprintf(`{"message":%q}`, authorizationOf(r)))
	},
	"type": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", authorizationOf(r))
		io.WriteString(w, "<p>no</p>")
	},
	"server, 403": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Server", authorizationOf(r))
		refuse(w, "")
	},
	"no header": func(w http.ResponseWriter, r *http.Request) {
		answerRaw(w, "HTTP/1.1 200 OK\r\nSent "+authorizationOf(r)+"\r\n\r\n")
	},
	"no status": func(w http.ResponseWriter, r *http.Request) { answerRaw(w, "HTTP/1.1 "+authorizationOf(r)+"\r\n\r\n") },
}

func authorizationOf(r *http.Request) string { return r.Header.Get("Authorization") }

func entities(text string) string { return strings.ReplaceAll(text, ".", "&#46;") }

func refuse(w http.ResponseWriter, body string) {
	w.WriteHeader(http.StatusForbidden)
	io.WriteString(w, body)
}

func compressed(w http.ResponseWriter, body string) {
	w.Header().Set("Content-Encoding", "gzip")
	encoder := gzip.NewWriter(w)
	io.WriteString(encoder, body)
	encoder.Close()
}

func answerRaw(w http.ResponseWriter, answer string) {
	connection, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	defer connection.Close()
	io.WriteString(connection, answer)
}

// What a server echoes is in no error, for a blob that is pulled nor for a manifest that is asked for.
func TestEchoes(t *testing.T) {
	hash := v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("a", 64)}
	for name, echo := range echoes {
		t.Run(name, func(t *testing.T) {
			r := echoing(t, echo)
			pull := r.Pull(t.Context(), retry.New(time.Millisecond, slog.New(slog.DiscardHandler)), v1.Descriptor{Digest: hash, Size: 999})
			_, pulling := io.ReadAll(pull)
			_, asking := r.do(t.Context(), call{method: http.MethodGet, url: r.URL("manifests/"+hash.String(), nil)})
			a, err := r.do(t.Context(), call{method: http.MethodPut, url: r.URL("manifests/"+hash.String(), nil)})
			if err == nil {
				err = fmt.Errorf("%w%s", a.err(), a.words())
			}
			for _, err := range []error{pulling, asking, err} {
				if err == nil {
					continue
				}
				told := err.Error() + failure.Of(err).Line(4096)
				for _, part := range []string{bearer[:20], bearer[len(bearer)-20:], password, password[4:]} {
					if strings.Contains(told, part) {
						t.Errorf("%q is in %s", part, told)
					}
				}
			}
			if pulling == nil {
				t.Error("the blob was taken")
			}
		})
	}
}

// echoing logs in to a registry that answers every request for content with echo.
func echoing(t *testing.T, echo http.HandlerFunc) *Registry {
	t.Helper()
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v2/":
			w.Header().Set("WWW-Authenticate", fmt.Sprintf("Bearer realm=%q,service=\"x\"", server.URL+"/v2/auth"))
			w.WriteHeader(http.StatusUnauthorized)
		case "/v2/auth":
			fmt.Fprintf(w, `{"token":%q}`, bearer)
		default:
			echo(w, r)
		}
	}))
	t.Cleanup(server.Close)
	host := server.Listener.Addr().String()
	var config bytes.Buffer
	fmt.Fprintf(&config, `{"auths":{%q:{"username":"team-a+ci","password":%q}}}`, host, password)
	parsed, err := dockerconfig.Parse(config.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	match, err := parsed.For(host, "team-a/app")
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(Config{Host: host, Repository: "team-a/app", PlainHTTP: true, Credential: credential.Entry{Match: match}, Stall: 5 * time.Second, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.Login(t.Context(), ScopePull); err != nil {
		t.Fatal(err)
	}
	return r
}
