package receipt

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/internal/certificate"
)

const (
	repository = "quay.example.com:8443/team-payments/checkout"
	digest     = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	other      = "sha256:fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
)

// newKey returns a private key and its PEM.
func newKey(t *testing.T) (Key, []byte) {
	t.Helper()
	made, err := certificate.New("receipts")
	if err != nil {
		t.Fatal(err)
	}
	text := made.Key
	key, err := ParseKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return key, text
}

func predicate(uid string) Predicate {
	return Predicate{Team: "payments", Rule: "namespace-label", Robot: "team-payments+ci", Controller: "v1.2.3",
		Run:  Run{Namespace: "apps-payments-checkout", Name: "build-1-push", UID: uid, PipelineRun: "build-1", PipelineRunUID: "p-1"},
		Time: time.Date(2026, 11, 29, 21, 0, 0, 999, time.FixedZone("", 3600)), Claimed: Claim("3f4781f2aa3f4781f2aa3f4781f2aa3f4781f2aa")}
}

func newStatement(t *testing.T, repository, digest, uid string) Statement {
	t.Helper()
	s, err := New(repository, digest, predicate(uid))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func sign(t *testing.T, s Statement, by Key) []byte {
	t.Helper()
	data, err := Sign(t.Context(), s, by)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// edit returns the bundle with something changed in it.
func edit(t *testing.T, data []byte, change func(b *bundle)) []byte {
	t.Helper()
	var b bundle
	if err := json.Unmarshal(data, &b); err != nil {
		t.Fatal(err)
	}
	change(&b)
	changed, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return changed
}
