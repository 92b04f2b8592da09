package secret_test

import (
	"net/http"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/secret"
)

func TestBasic(t *testing.T) {
	for _, test := range []struct{ user, password, want string }{
		{"Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}, // The example of RFC 7617.
		{"team-a+ci", "T", "Basic dGVhbS1hK2NpOlQ="},
		{"user", "", "Basic dXNlcjo="},
		{"", "password", "Basic OnBhc3N3b3Jk"},
	} {
		got := secret.New(test.password).Basic(test.user)
		if got.Reveal() != test.want {
			t.Errorf("Basic of %q is %q, want %q", test.user, got.Reveal(), test.want)
		}
		r := http.Request{Header: http.Header{"Authorization": {got.Reveal()}}}
		if user, password, ok := r.BasicAuth(); user != test.user || password != test.password || !ok {
			t.Errorf("a server reads %q, %q, %v", user, password, ok)
		}
	}
}

func TestBearer(t *testing.T) {
	if got := secret.New("T").Bearer(); got.Reveal() != "Bearer T" {
		t.Errorf("Bearer is %q", got.Reveal())
	}
	if got := (secret.Value{}).Bearer(); !got.IsZero() {
		t.Errorf("Bearer of no token is %q", got.Reveal())
	}
}
