package signing

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	fakekube "k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/comptech-lab/quay-push/internal/receipttest"
	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/receipt"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

const (
	accountToken = "eyJ.ACCOUNT.TOKEN"
	vaultToken   = "hvs.VAULTTOKEN"
)

// signs has the signer sign a receipt, which fails if it is not one of its key.
func signs(t *testing.T, by receipt.Signer) {
	t.Helper()
	s, err := receipt.New("quay.example.com/team-a/app", "sha256:"+strings.Repeat("0", 64), receipt.Predicate{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := receipt.Sign(t.Context(), s, by); err != nil {
		t.Error(err)
	}
}

// The Secret is read each time: a new key signs from then on.
func TestSecret(t *testing.T) {
	first, text, _ := receipttest.NewKey(t)
	held := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: config.Namespace, Name: "receipt-key"}, Data: map[string][]byte{SecretKey: text}}
	kube := fakekube.NewClientset(held)
	s := &Signers{Kube: kube}
	where := config.Receipts{Secret: "receipt-key"}
	signer, err := s.Signer(t.Context(), where)
	if err != nil || !signer.Public().Equal(first.Public()) {
		t.Fatalf("%v", err)
	}
	signs(t, signer)
	second, text, _ := receipttest.NewKey(t)
	held.Data[SecretKey] = text
	if _, err := kube.CoreV1().Secrets(config.Namespace).Update(t.Context(), held, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if signer, err := s.Signer(t.Context(), where); err != nil || !signer.Public().Equal(second.Public()) {
		t.Errorf("after a new key: %v", err)
	}
	for name, where := range map[string]config.Receipts{"none": {Secret: "none"}} {
		if _, err := s.Signer(t.Context(), where); !errors.Is(err, receipt.ErrKey) || !strings.Contains(err.Error(), `no Secret "none"`) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// server is a Vault of one key, whose answers a test may change.
type server struct {
	*httptest.Server
	key    receipt.Key
	logins int
	// tamper changes what is signed; denied has it refuse the login.
	tamper, denied bool
}

func newServer(t *testing.T) *server {
	t.Helper()
	key, _, public := receipttest.NewKey(t)
	v := &server{key: key}
	answer := func(rw http.ResponseWriter, content map[string]any) {
		if err := json.NewEncoder(rw).Encode(content); err != nil {
			t.Error(err)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /v1/auth/kubernetes/login", func(rw http.ResponseWriter, r *http.Request) {
		var asked struct{ Role, JWT string }
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || asked.Role != "quay-push-receipts" || asked.JWT != accountToken || v.denied {
			rw.WriteHeader(http.StatusForbidden)
			answer(rw, map[string]any{"errors": []string{"permission denied"}})
			return
		}
		v.logins++
		answer(rw, map[string]any{"auth": map[string]any{"client_token": vaultToken, "lease_duration": 600}})
	})
	mux.HandleFunc("GET /v1/transit/keys/push-receipts", func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Vault-Token") != vaultToken {
			rw.WriteHeader(http.StatusForbidden)
			return
		}
		answer(rw, map[string]any{"data": map[string]any{"latest_version": 3, "keys": map[string]any{"3": map[string]any{"public_key": string(public)}}}})
	})
	mux.HandleFunc("PUT /v1/transit/sign/push-receipts/sha2-256", func(rw http.ResponseWriter, r *http.Request) {
		var asked struct {
			Input               []byte
			KeyVersion          int    `json:"key_version"`
			MarshalingAlgorithm string `json:"marshaling_algorithm"`
		}
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || asked.KeyVersion != 3 || asked.MarshalingAlgorithm != "asn1" {
			t.Errorf("asked to sign %+v, %v", asked, err)
		}
		if v.tamper {
			asked.Input = append(asked.Input, 'x')
		}
		signature, err := v.key.Sign(r.Context(), asked.Input)
		if err != nil {
			t.Error(err)
		}
		answer(rw, map[string]any{"data": map[string]any{"signature": "vault:v3:" + base64.StdEncoding.EncodeToString(signature)}})
	})
	mux.HandleFunc("GET /v1/transit/keys/", func(rw http.ResponseWriter, _ *http.Request) {
		rw.WriteHeader(http.StatusNotFound)
		answer(rw, map[string]any{"errors": []string{}})
	})
	v.Server = httptest.NewTLSServer(mux)
	t.Cleanup(v.Close)
	return v
}

// signers are those of a controller that trusts the Vault.
func (v *server) signers(t *testing.T) (*Signers, config.Receipts) {
	t.Helper()
	kube := fakekube.NewClientset(&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: config.Namespace, Name: account}})
	kube.PrependReactor("create", "serviceaccounts", func(a clienttesting.Action) (bool, runtime.Object, error) {
		request := a.(clienttesting.CreateActionImpl)
		if asked := request.Object.(*authenticationv1.TokenRequest); request.Subresource != "token" || request.Name != account || asked.Spec.Audiences[0] != "vault" {
			return true, nil, fmt.Errorf("unexpected %+v", a)
		}
		return true, &authenticationv1.TokenRequest{Status: authenticationv1.TokenRequestStatus{Token: accountToken}}, nil
	})
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: v.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return &Signers{Kube: kube, CAFile: file}, config.Receipts{Address: v.URL, Mount: "transit", Key: "push-receipts", Login: "kubernetes", Role: "quay-push-receipts"}
}

// The controller logs in once, and signs with the newest version, whose public key it has asked for.
func TestTransit(t *testing.T) {
	v := newServer(t)
	s, where := v.signers(t)
	for range 3 {
		signer, err := s.Signer(t.Context(), where)
		if err != nil {
			t.Fatal(err)
		}
		if !signer.Public().Equal(v.key.Public()) {
			t.Error("the public key is another")
		}
		signs(t, signer)
	}
	if v.logins != 1 {
		t.Errorf("%d logins, want one", v.logins)
	}
	where.Key = "other"
	if _, err := s.Signer(t.Context(), where); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("another key: %v", err)
	}
	if v.logins != 2 {
		t.Errorf("%d logins, want another one for what was changed in config-tenancy", v.logins)
	}
}

// A signature that is not one of the key is none, and no token is in an error.
func TestTransitRefused(t *testing.T) {
	v := newServer(t)
	s, where := v.signers(t)
	signer, err := s.Signer(t.Context(), where)
	if err != nil {
		t.Fatal(err)
	}
	v.tamper = true
	statement, err := receipt.New("quay.example.com/team-a/app", "sha256:"+strings.Repeat("0", 64), receipt.Predicate{})
	if err != nil {
		t.Fatal(err)
	}
	if data, err := receipt.Sign(t.Context(), statement, signer); err == nil {
		t.Errorf("it is signed: %s", data)
	}
	v.denied = true
	s, where = v.signers(t)
	if _, err := s.Signer(t.Context(), where); !errors.Is(err, vault.ErrDenied) || strings.Contains(err.Error(), accountToken) {
		t.Errorf("without the right: %v", err)
	}
	v.denied = false
	if _, err := s.Signer(t.Context(), where); err != nil {
		t.Errorf("after it came: %v", err)
	}
}
