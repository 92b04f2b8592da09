package registry

import (
	"net/http"
	"strings"
	"testing"
)

// FuzzChallenge parses anything as WWW-Authenticate. A challenge that is written by the rules is read as it was meant.
func FuzzChallenge(f *testing.F) {
	f.Add(`Bearer realm="https://quay.test/v2/auth",service="quay.test"`, "https://quay.test/v2/auth", "quay.test")
	f.Add(`Basic realm="x", Bearer realm=y`, `a"b\c`, "")
	f.Add(`bearer  realm = "x" , service=`, "x", `\`)
	f.Fuzz(func(t *testing.T, value, realm, service string) {
		if c, ok := parseChallenge(http.Header{"Www-Authenticate": {value}}); ok != (c.realm != "") {
			t.Errorf("%q is %+v, %v", value, c, ok)
		}
		if realm == "" {
			return
		}
		quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace
		written := `Bearer service="` + quote(service) + `" , realm="` + quote(realm) + `"`
		if c, ok := parseChallenge(http.Header{"Www-Authenticate": {"Basic", written}}); !ok || c.realm != realm || c.service != service {
			t.Errorf("%q is %+v, %v", written, c, ok)
		}
	})
}
