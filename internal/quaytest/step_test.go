package quaytest_test

import (
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/internal/quaytest"
)

// step is one request of the contract.
type step struct {
	ID, Actor, Method, Path string
	Body                    json.RawMessage
	Headers, Save           map[string]string
	// Text and Base64 are bodies that are no JSON; Pad is how many letters y stand for {PAD} in Text.
	Text, Base64 string
	Pad          int
}

// recorded is an answer to a step.
type recorded struct {
	ID       string
	HeldBack bool `json:"held_back"`
	Status   int
	Headers  map[string]string
	JSON     any
	Text     string
	// JWT are the header and the claims of the token in the answer.
	JWT any
}

// conversation sends steps and remembers what later ones need.
type conversation struct {
	t      *testing.T
	q      *quaytest.Quay
	client *http.Client
	saved  map[string]string
}

// newConversation speaks HTTP/1.1 to q and follows nothing.
func newConversation(t *testing.T, q *quaytest.Quay) *conversation {
	roots := q.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &conversation{t: t, q: q, client: client, saved: map[string]string{
		"HOST": q.Host(), "TODAY": q.Now().UTC().Format("01/02/2006")}}
}

// say sends a step and returns the answer.
func (c *conversation) say(s step) recorded {
	c.t.Helper()
	target := c.fill(s.Path)
	if strings.HasPrefix(target, "/") {
		target = c.q.URL() + target
	}
	r, err := http.NewRequestWithContext(c.t.Context(), s.Method, target, bytes.NewReader(s.body(c.t)))
	if err != nil {
		c.t.Fatalf("%s: %v", s.ID, err)
	}
	r.Header["User-Agent"] = []string{""}
	if s.Body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, value := range s.Headers {
		r.Header.Set(name, value)
	}
	if credential := c.credential(s.Actor); credential != "" {
		r.Header.Set("Authorization", credential)
	}
	response, err := c.client.Do(r)
	if err != nil {
		c.t.Fatalf("%s: %v", s.ID, err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatalf("%s: %v", s.ID, err)
	}
	return c.record(s, response, data)
}

// record takes down an answer and saves what later steps need of it.
func (c *conversation) record(s step, response *http.Response, data []byte) recorded {
	got := recorded{ID: s.ID, Status: response.StatusCode, Headers: map[string]string{}}
	for name := range response.Header {
		got.Headers[strings.ToLower(name)] = response.Header.Get(name)
	}
	if json.Unmarshal(data, &got.JSON) != nil {
		got.Text = string(data)
	}
	members, _ := got.JSON.(map[string]any)
	for name, of := range s.Save {
		header, isHeader := strings.CutPrefix(of, "@")
		value, _ := members[of].(string)
		if isHeader {
			value = response.Header.Get(header)
		}
		c.saved[name] = value
	}
	if token, _ := members["token"].(string); strings.Count(token, ".") == 2 {
		got.JWT = map[string]any{"header": decode(c.t, token, 0), "claims": decode(c.t, token, 1)}
	}
	return got
}

// decode reads one part of a token.
func decode(t *testing.T, token string, part int) any {
	t.Helper()
	data, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[part])
	var v any
	if err != nil || json.Unmarshal(data, &v) != nil {
		t.Fatalf("part %d of a token is %q, %v", part, data, err)
	}
	return v
}

// fill puts what was saved into a path.
func (c *conversation) fill(path string) string {
	for name, value := range c.saved {
		path = strings.ReplaceAll(path, "{"+name+"}", value)
	}
	return path
}

// credential is the header Authorization of an actor; empty for none.
func (c *conversation) credential(actor string) string {
	kind, rest, _ := strings.Cut(actor, ":")
	switch kind {
	case "none":
		return ""
	case "bad":
		return "Bearer " + strings.Repeat("ZZ12345678", 4)
	case "garble":
		return "Bearer not-a-token"
	case "jwt":
		return "Bearer " + c.saved[rest]
	case "basic":
		name, password, _ := strings.Cut(rest, ":")
		if saved, ok := c.saved[password]; ok {
			password = saved
		} else if name == "$oauthtoken" {
			password = oauthTokenOf(password)
		}
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))
	}
	return "Bearer " + oauthTokenOf(kind)
}

// oauthTokenOf is the token of an actor in state.json.
func oauthTokenOf(actor string) string {
	return (strings.ToUpper(actor) + strings.Repeat("A", 40))[:40]
}

// body is what the step sends.
func (s step) body(t *testing.T) []byte {
	t.Helper()
	if s.Base64 != "" {
		data, err := base64.StdEncoding.DecodeString(s.Base64)
		if err != nil {
			t.Fatalf("%s: %v", s.ID, err)
		}
		return data
	}
	if s.Text != "" {
		return []byte(strings.ReplaceAll(s.Text, "{PAD}", strings.Repeat("y", s.Pad)))
	}
	return s.Body
}
