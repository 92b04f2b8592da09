package vaulttest

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// uid is that of every ServiceAccount.
const uid = "6f6f2ac5-8b41-4bd5-9d63-6dcbd1b4d5c1"

// ServiceAccountToken is a token with the claims of a ServiceAccount's, for an audience. Vault looks at them and leaves the signature to
// the TokenReview.
func ServiceAccountToken(namespace, name, audience string) string {
	encode := func(v any) string {
		data, _ := json.Marshal(v) // Of what can be encoded.
		return base64.RawURLEncoding.EncodeToString(data)
	}
	claims := map[string]any{"iss": "https://kubernetes.default.svc", "sub": "system:serviceaccount:" + namespace + ":" + name,
		"exp": 4102444800, "iat": 1, "aud": []string{audience}, "kubernetes.io": map[string]any{"namespace": namespace,
			"serviceaccount": map[string]any{"name": name, "uid": uid}}}
	return encode(map[string]string{"alg": "RS256", "typ": "JWT"}) + "." + encode(claims) + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 256))
}

// Believe sets up the Kubernetes login, with an API server that believes every token, until the test ends.
func (s Server) Believe(t testing.TB) {
	t.Helper()
	kubernetes := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var review struct {
			Spec struct{ Token string }
		}
		if err := json.NewDecoder(r.Body).Decode(&review); err != nil || r.URL.Path != "/apis/authentication.k8s.io/v1/tokenreviews" {
			t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
		}
		payload, _ := base64.RawURLEncoding.DecodeString(strings.Split(review.Spec.Token, ".")[1]) // What is wrong is seen below.
		var claims struct {
			Sub string
			Aud []string
		}
		if err := json.Unmarshal(payload, &claims); err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		if err := json.NewEncoder(w).Encode(map[string]any{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
			"status": map[string]any{"authenticated": true, "audiences": claims.Aud, "user": map[string]any{"username": claims.Sub, "uid": uid,
				"groups": []string{"system:serviceaccounts"}}}}); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(kubernetes.Close)
	if _, err := s.Admin(t).Logical().WriteWithContext(t.Context(), "auth/kubernetes/config", map[string]any{"kubernetes_host": kubernetes.URL,
		"token_reviewer_jwt": ServiceAccountToken("vault", "vault", "https://kubernetes.default.svc"), "disable_local_ca_jwt": true}); err != nil {
		t.Fatal(err)
	}
}
