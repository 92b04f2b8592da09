package registry

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/sirupsen/logrus"
)

// The one robot that may push everywhere. It opens nothing but this registry, for as long as that runs.
const (
	Username = "bench+ci"
	Password = "bench"
)

// tokens is a token service like Quay's: on the registry's host, with tokens that last an hour and list their rights.
type tokens struct {
	host   string
	jwks   string
	signer jose.Signer
}

const keyID = "bench"

// newTokens makes a key and leaves its public half in dir for distribution.
func newTokens(dir, host string) (*tokens, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	public := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: keyID, Algorithm: string(jose.ES256)}}}
	content, err := json.Marshal(public)
	if err != nil {
		return nil, err
	}
	t := &tokens{host: host, jwks: filepath.Join(dir, "jwks.json")}
	if err := os.WriteFile(t.jwks, content, 0o600); err != nil {
		return nil, err
	}
	t.signer, err = jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: keyID}}, nil)
	return t, err
}

// options are what distribution has to know of the service.
func (t *tokens) options() configuration.Parameters {
	return configuration.Parameters{"realm": "https://" + t.host + "/v2/auth", "service": t.host, "issuer": "quay", "jwks": t.jwks}
}

// access is one right of a token (distribution spec/auth/jwt.md).
type access struct {
	Type    string   `json:"type"`
	Name    string   `json:"name"`
	Actions []string `json:"actions"`
}

// ServeHTTP answers with a token for what the robot asks for.
func (t *tokens) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	username, password, _ := r.BasicAuth()
	if username != Username || password != Password {
		http.Error(w, "unknown robot", http.StatusUnauthorized)
		return
	}
	rights := []access{}
	for _, scope := range r.URL.Query()["scope"] {
		if kind, rest, ok := strings.Cut(scope, ":"); ok {
			at := strings.LastIndexByte(rest, ':')
			rights = append(rights, access{kind, rest[:max(at, 0)], strings.Split(rest[at+1:], ",")})
		}
	}
	now := time.Now()
	token, err := jwt.Signed(t.signer).Claims(jwt.Claims{Issuer: "quay", Subject: username, Audience: jwt.Audience{t.host},
		IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now.Add(-time.Minute)), Expiry: jwt.NewNumericDate(now.Add(time.Hour)),
	}).Claims(map[string]any{"access": rights}).Serialize()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"token":%q}`, token)
}

// silence turns distribution's logging off: its logger is the standard one of logrus.
var silence = sync.OnceFunc(func() {
	logrus.SetOutput(io.Discard)
	logrus.SetLevel(logrus.PanicLevel)
})
