package push_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// Whoever swapped user name and token finds no token in the log or the error, of the target's registry or the source's.
func TestSwappedTokenIsNotShown(t *testing.T) {
	swapped := func(host, token string) []byte {
		return fmt.Appendf(nil, `{"auths":{%q:{"username":%q,"password":"team-a+ci"}}}`, host, token)
	}
	for name, test := range map[string]struct {
		setUp func(f *fixture) (token string)
		class failure.Class
	}{
		"of the target": {func(f *fixture) string {
			f.credentials(swapped(f.Host(), f.token))
			return f.token
		}, failure.ClassCredentialRefused},
		"of the target, with no right": {func(f *fixture) string {
			f.credentials(swapped(f.Host(), f.token))
			play("GET", onToken, says(403, "DENIED", "no"))(f)
			return f.token
		}, failure.ClassCredentialRefused},
		"of the source": {func(f *fixture) string {
			u := newUpstream(f.t, f)
			f.credentials(f.Dockerconfig("team-a+ci"), swapped(u.Host(), u.token))
			return u.token
		}, failure.ClassCredentialRefused},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			token := test.setUp(f)
			reason := f.fail(test.class)
			if said := reason.Error() + f.log.String(); strings.Contains(said, token) || !strings.Contains(reason.Problem, fmt.Sprintf("a name of %d bytes that is no robot's", len(token))) {
				t.Errorf("the token is in it, or the name is not told: %v", strings.ReplaceAll(said, token, "TOKEN"))
			}
		})
	}
}
