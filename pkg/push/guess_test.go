package push_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// The token is asked for while the registry still says where it is to be had: each waits until the other was asked.
func TestTokenIsAskedForAtOnce(t *testing.T) {
	f := newFixture(t)
	asked := make(chan struct{})
	f.Faults.Add(
		quaytest.Fault{Name: "the challenge waits", Path: onPing, Effect: func(_ *quaytest.Quay, w http.ResponseWriter, r *http.Request, next http.Handler) {
			select {
			case <-asked:
			case <-time.After(10 * time.Second):
				t.Error("no token was asked for before the challenge came")
			}
			next.ServeHTTP(w, r)
		}},
		quaytest.Fault{Name: "the token", Path: onToken, Effect: quaytest.Do(func() { close(asked) })})
	f.push()
	if n := f.count("GET", "/v2/auth"); n != 1 {
		t.Errorf("%d tokens were bought, want 1", n)
	}
}

// Where the registry names another service than Quay's, the guess is dropped and the token bought there.
func TestGuessThatIsWrong(t *testing.T) {
	f := newFixture(t)
	f.Faults.Add(quaytest.Fault{Name: "elsewhere", Path: onPing, Times: -1,
		Effect: quaytest.SetHeader("WWW-Authenticate", `Bearer realm="`+f.URL()+`/v2/auth?n=1",service="`+f.Host()+`"`)})
	f.push()
	bought := 0
	for _, r := range f.Requests() {
		if r.Path == "/v2/auth" && r.Status == http.StatusOK {
			bought++
		}
	}
	if bought < 1 || bought > 2 {
		t.Errorf("%d tokens were bought, want the guessed one at most beside the right one", bought)
	}
}

// With a token service on another host, the registry's own gets no credential.
func TestNoGuessBesideATokenHost(t *testing.T) {
	f := newFixture(t)
	f.opts.TokenHost = strings.Replace(f.Host(), "127.0.0.1", "localhost", 1)
	f.fail(failure.ClassForeignHost)
	if n := f.count("GET", "/v2/auth"); n != 0 {
		t.Errorf("%d tokens were asked for", n)
	}
}

// A guess that the service refuses is what a request of its own would be.
func TestGuessThatIsRefused(t *testing.T) {
	f := newFixture(t)
	f.DeleteRobot("team-a+ci")
	f.fail(failure.ClassCredentialRefused)
	if n := f.count("GET", "/v2/auth"); n != 1 {
		t.Errorf("%d tokens were asked for, want 1", n)
	}
}
