package registry

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// client trusts the registry's authority. Without http2 it speaks HTTP/1.1 alone.
func client(t *testing.T, r *Registry, http2 bool) *http.Client {
	t.Helper()
	pem, err := os.ReadFile(r.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: http2}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func start(t *testing.T, rtt time.Duration) *Registry {
	t.Helper()
	if _, err := exec.LookPath("nginx"); err != nil {
		t.Skip("nginx is not installed")
	}
	r, err := Start(t.Context(), t.TempDir(), Options{RTT: rtt})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// do sends a request and returns the answer and its body.
func do(t *testing.T, c *http.Client, method, url, authorization, body string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	response, err := c.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(content)
}

// token buys a token for the scope.
func token(t *testing.T, c *http.Client, r *Registry, scope string) string {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, "https://"+r.Host+"/v2/auth?scope="+scope, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth(Username, Password)
	response, err := c.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct{ Token string }
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || answer.Token == "" {
		t.Fatalf("status %d, no token: %v", response.StatusCode, err)
	}
	return "Bearer " + answer.Token
}

// It asks for a token on its own host, and takes an upload with the right one alone.
func TestRegistry(t *testing.T) {
	r := start(t, 0)
	c := client(t, r, true)
	base := "https://" + r.Host + "/v2/"
	refused, _ := do(t, c, "GET", base, "", "")
	challenge := refused.Header.Get("WWW-Authenticate")
	if refused.StatusCode != http.StatusUnauthorized || !strings.Contains(challenge, `realm="`+base+`auth"`) {
		t.Errorf("without a token: %d %q", refused.StatusCode, challenge)
	}
	if refused.Proto != "HTTP/2.0" {
		t.Errorf("it speaks %s", refused.Proto)
	}
	if got, _ := do(t, c, "GET", base+"auth?scope=repository:a/b:push", "", ""); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("the token service answers %d to nobody", got.StatusCode)
	}
	pull := token(t, c, r, "repository:a/b:pull")
	if got, _ := do(t, c, "POST", base+"a/b/blobs/uploads/", pull, ""); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("an upload with the right to pull: %d", got.StatusCode)
	}
	push := token(t, c, r, "repository:a/b:pull,push")
	if got, _ := do(t, c, "POST", base+"other/b/blobs/uploads/", push, ""); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("an upload with the right on another repository: %d", got.StatusCode)
	}
	started, _ := do(t, c, "POST", base+"a/b/blobs/uploads/", push, "")
	location := started.Header.Get("Location")
	if started.StatusCode != http.StatusAccepted || !strings.HasPrefix(location, base) {
		t.Fatalf("starting an upload: %d, Location %q", started.StatusCode, location)
	}
	const digest = "sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881" // of "x"
	if got, body := do(t, c, "PUT", location+"&digest="+digest, push, "x"); got.StatusCode != http.StatusCreated {
		t.Errorf("ending an upload: %d %s", got.StatusCode, body)
	}
	if got, body := do(t, c, "GET", base+"a/b/blobs/"+digest, push, ""); body != "x" {
		t.Errorf("the blob is %q, %d", body, got.StatusCode)
	}
	if err := r.Empty(); err != nil {
		t.Fatal(err)
	}
	if got, _ := do(t, c, "HEAD", base+"a/b/blobs/"+digest, push, ""); got.StatusCode != http.StatusNotFound {
		t.Errorf("an emptied registry has the blob: %d", got.StatusCode)
	}
	requests, err := r.Requests()
	if err != nil {
		t.Fatal(err)
	}
	if len(requests) < 10 || requests[0].Proto != "HTTP/2.0" || requests[0].URI != "/v2/" || requests[0].Status != "401" {
		t.Errorf("requests are %v", requests)
	}
}

// As at Quay, an HTTP/1.1 connection ends after one request about blobs, and stays for manifests.
func TestKeepAlive(t *testing.T) {
	r := start(t, time.Millisecond)
	c := client(t, r, false)
	push := token(t, c, r, "repository:a/b:pull,push")
	for path, closes := range map[string]bool{"": true, "a/b/blobs/sha256:" + strings.Repeat("0", 64): true, "a/b/manifests/v1": false} {
		got, _ := do(t, c, "GET", "https://"+r.Host+"/v2/"+path, push, "")
		if got.Proto != "HTTP/1.1" || got.Close != closes {
			t.Errorf("GET %q: %s, closes %v, want %v", path, got.Proto, got.Close, closes)
		}
	}
}
