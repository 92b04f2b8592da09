package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/internal/certificate"
	"github.com/comptech-lab/quay-push/internal/oidctest"
)

const (
	host  = "quaytest.quay-push.svc"
	token = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
)

// write puts content into a new file of the test.
func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// writeCertificate writes a certificate for host and its key, and returns the files and the pool that trusts it.
func writeCertificate(t *testing.T) (cert, key string, roots *x509.CertPool) {
	t.Helper()
	made, err := certificate.New(host)
	if err != nil {
		t.Fatal(err)
	}
	roots = x509.NewCertPool()
	roots.AppendCertsFromPEM(made.CA)
	return write(t, "tls.crt", string(made.Certificate)), write(t, "tls.key", string(made.Key)), roots
}

func TestServe(t *testing.T) {
	cert, key, roots := writeCertificate(t)
	issuer := oidctest.Start(t)
	state := write(t, "state.yaml", `
organizations:
- name: team-payments
  robots:
  - name: ci
    token: `+token+`
    federation:
    - issuer: `+issuer.URL()+`
      subject: system:serviceaccount:payments:pusher
  repositories:
  - name: app
    permissions:
      team-payments+ci: write
`)
	storage := t.TempDir()
	s := server{listen: "127.0.0.1:0", host: host, certFile: cert, keyFile: key, stateFile: state, storageDir: storage,
		issuerCAFile: write(t, "issuer.crt", string(issuer.CA()))}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	lines, log := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- s.run(ctx, log) }()
	line := make([]byte, 200)
	n, err := lines.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	match := regexp.MustCompile(`^quaytest: serving https://quaytest\.quay-push\.svc on (127\.0\.0\.1:\d+)\n$`).FindSubmatch(line[:n])
	if match == nil {
		t.Fatalf("first line is %q", line[:n])
	}

	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: host}}}
	defer client.CloseIdleConnections()
	for path, want := range map[string]int{
		"/health/instance":               200,
		"/oauth2/federation/robot/token": 200,
		"/v2/":                           401,
		"/v2/auth?service=" + host + "&scope=repository:team-payments/app:push": 200,
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+string(match[1])+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case strings.HasPrefix(path, "/v2/auth"):
			r.SetBasicAuth("team-payments+ci", token)
		case strings.HasPrefix(path, "/oauth2/"):
			r.SetBasicAuth("team-payments+ci", issuer.Token("system:serviceaccount:payments:pusher"))
		}
		response, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, response.StatusCode, want)
		}
		if challenge := response.Header.Get("WWW-Authenticate"); want == 401 && !strings.Contains(challenge, `realm="https://`+host+`/v2/auth",service="`+host+`"`) {
			t.Errorf("challenge is %q", challenge)
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("stopping: %v", err)
	}
	if left, err := os.ReadDir(storage); err != nil || len(left) > 0 {
		t.Errorf("left in the storage directory: %v, %v", left, err)
	}
}

func TestServeSaysWhatItCannotUse(t *testing.T) {
	cert, key, _ := writeCertificate(t)
	good := server{listen: "127.0.0.1:0", host: host, certFile: cert, keyFile: key, storageDir: t.TempDir()}
	for want, change := range map[string]func(*server){
		"reading authorities of issuers": func(s *server) { s.issuerCAFile = "/does/not/exist" },
		"creating storage directory":     func(s *server) { s.storageDir = "/does/not/exist" },
		"reading state":                  func(s *server) { s.stateFile = "/does/not/exist" },
		"applying state":                 func(s *server) { s.stateFile = write(t, "state.yaml", "organizations: [{name: T}]") },
		`listening on "nowhere"`:         func(s *server) { s.listen = "nowhere" },
		"serving with certificate":       func(s *server) { s.certFile = "/does/not/exist" },
	} {
		s := good
		change(&s)
		if err := s.run(t.Context(), io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
}

// With --vulnerable the scanner finds something in that repository, and nothing in any other.
func TestVerdict(t *testing.T) {
	s := server{vulnerable: "team-a/vulnerable"}
	if got := s.verdict("team-a/vulnerable", "").Packages; len(got) != 1 || got[0].Vulnerabilities[0].Severity != "Critical" {
		t.Errorf("in it: %+v", got)
	}
	if got := s.verdict("team-a/app", ""); len(got.Packages) != 0 || got.Status != "" {
		t.Errorf("elsewhere: %+v", got)
	}
}
