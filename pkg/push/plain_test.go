package push_test

import (
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// Without TLS a credential goes out only when that was asked for.
func TestPlainHTTP(t *testing.T) {
	f := newFixture(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host := listener.Addr().String()
	// The Quay believes that it is reached under its own name, with TLS.
	behind := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f.Quay.ServeHTTP(&renamed{w, f.Host(), host}, r) })
	server := &http.Server{Handler: behind, ConnContext: f.Quay.Server().ConnContext}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })

	f.opts.ImageRef = host + "/team-a/app"
	f.opts.Dockerconfig = t.TempDir() + "/config.json"
	write(t, f.opts.Dockerconfig, []byte(strings.ReplaceAll(string(f.Dockerconfig("team-a+ci")), f.Host(), host)))
	f.fail(failure.ClassCertificate)
	f.opts.PlainHTTP = true
	result := f.push()
	if got := f.Tags("team-a/app")["v1"]; got != result.Digest {
		t.Errorf("tag v1 is %q", got)
	}
}

// renamed lets the answers of a Quay name another host, without TLS.
type renamed struct {
	http.ResponseWriter
	from, to string
}

func (w *renamed) WriteHeader(status int) {
	for _, name := range []string{"Location", "WWW-Authenticate"} {
		if value := w.Header().Get(name); value != "" {
			w.Header().Set(name, strings.Replace(value, "https://"+w.from, "http://"+w.to, 1))
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *renamed) Unwrap() http.ResponseWriter { return w.ResponseWriter }
