package quaytest_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/internal/quaytest"
)

// client speaks to a Quay by hand.
type client struct {
	t      *testing.T
	q      *quaytest.Quay
	bearer string
}

// answer is a response that was read.
type answer struct {
	status int
	header http.Header
	body   string
}

// login returns a client with a token of robot for the given scopes.
func login(t *testing.T, q *quaytest.Quay, robot, token string, scopes ...string) *client {
	t.Helper()
	a := askToken(t, q, robot, token, scopes...)
	if a.status != http.StatusOK {
		t.Fatalf("token request of %s: %d %s", robot, a.status, a.body)
	}
	return &client{t: t, q: q, bearer: bearerOf(t, a)}
}

// bearerOf is the token in an answer of the token service.
func bearerOf(t *testing.T, a answer) string {
	t.Helper()
	var body struct{ Token string }
	if err := json.Unmarshal([]byte(a.body), &body); err != nil {
		t.Fatal(err)
	}
	return body.Token
}

// basic is the header of a name and a password.
func basic(name, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))
}

// pusher returns a client that may push to repo.
func pusher(t *testing.T, q *quaytest.Quay, token, repo string) *client {
	t.Helper()
	org, _, _ := strings.Cut(repo, "/")
	return login(t, q, org+"+ci", token, "repository:"+repo+":pull,push")
}

// askToken asks for a token as go-containerregistry does; an empty robot means anonymously.
func askToken(t *testing.T, q *quaytest.Quay, robot, token string, scopes ...string) answer {
	t.Helper()
	c := &client{t: t, q: q}
	query := url.Values{"service": {q.Host()}, "scope": scopes}
	var header []string
	if robot != "" {
		header = []string{"Authorization", basic(robot, token)}
	}
	return c.do(http.MethodGet, "/v2/auth?"+query.Encode(), "", header...)
}

// do sends a request with the client's token, if any, and pairs of header names and values.
func (c *client) do(method, target, body string, header ...string) answer {
	c.t.Helper()
	a, err := c.try(method, target, body, header...)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, target, err)
	}
	return a
}

func (c *client) try(method, target, body string, header ...string) (answer, error) {
	c.t.Helper()
	if strings.HasPrefix(target, "/") {
		target = c.q.URL() + target
	}
	r, err := http.NewRequestWithContext(c.t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if body != "" && strings.HasPrefix(r.URL.Path, "/api/") {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.bearer != "" {
		r.Header.Set("Authorization", "Bearer "+c.bearer)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := c.q.Client().Do(r)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, string(data)}, err
}

// blob uploads content to repo and returns its digest.
func (c *client) blob(repo, content string) string {
	c.t.Helper()
	dgst := digest(content)
	a := c.do(http.MethodPost, "/v2/"+repo+"/blobs/uploads/", "")
	a = c.do(http.MethodPut, a.header.Get("Location")+"?digest="+dgst, content)
	if a.status != http.StatusCreated {
		c.t.Fatalf("uploading blob: %d %s", a.status, a.body)
	}
	return dgst
}

// manifest returns an OCI manifest over a config with the given labels and
// layers in repo, after uploading the config; edit may change it first.
func (c *client) manifest(repo string, labels map[string]string, layers []string, edit func(m map[string]any)) string {
	c.t.Helper()
	config := encode(c.t, map[string]any{"architecture": "amd64", "os": "linux", "config": map[string]any{"Labels": labels}})
	m := map[string]any{
		"schemaVersion": 2,
		"mediaType":     ociManifest,
		"config":        describe("application/vnd.oci.image.config.v1+json", c.blob(repo, config), len(config)),
		"layers":        []any{},
	}
	for _, layer := range layers {
		c.blob(repo, layer)
		m["layers"] = append(m["layers"].([]any), describe("application/vnd.oci.image.layer.v1.tar", digest(layer), len(layer)))
	}
	if edit != nil {
		edit(m)
	}
	return encode(c.t, m)
}

// put pushes a manifest under ref, or under its digest when ref is empty.
func (c *client) put(repo, ref, mediaType, manifest string) answer {
	c.t.Helper()
	if ref == "" {
		ref = digest(manifest)
	}
	return c.do(http.MethodPut, "/v2/"+repo+"/manifests/"+ref, manifest, "Content-Type", mediaType)
}

// get asks for a manifest.
func (c *client) get(repo, ref string) answer {
	c.t.Helper()
	return c.do(http.MethodGet, "/v2/"+repo+"/manifests/"+ref, "", "Accept", ociManifest+", "+ociIndex)
}

// want checks the status and, unless it is empty, that the body contains text.
func (a answer) want(t *testing.T, status int, text string) {
	t.Helper()
	if a.status != status || !strings.Contains(a.body, text) {
		t.Errorf("answer is %d %s, want %d with %q", a.status, a.body, status, text)
	}
}

// wantHeader checks one header.
func (a answer) wantHeader(t *testing.T, name, value string) {
	t.Helper()
	if got := a.header.Get(name); got != value {
		t.Errorf("header %s is %q, want %q", name, got, value)
	}
}

const (
	ociManifest = "application/vnd.oci.image.manifest.v1+json"
	ociIndex    = "application/vnd.oci.image.index.v1+json"
)

func digest(content string) string {
	sum := sha256.Sum256([]byte(content))
	return "sha256:" + hex.EncodeToString(sum[:])
}

func describe(mediaType, dgst string, size int) map[string]any {
	return map[string]any{"mediaType": mediaType, "digest": dgst, "size": size}
}

// index returns an OCI index over manifests.
func index(t *testing.T, manifests ...string) string {
	children := []any{}
	for _, m := range manifests {
		children = append(children, describe(ociManifest, digest(m), len(m)))
	}
	return encode(t, map[string]any{"schemaVersion": 2, "mediaType": ociIndex, "manifests": children})
}

func encode(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
