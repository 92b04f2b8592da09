package push_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/push"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// Whoever may not push learns it before the first byte, in words.
func TestRightBeforeBytes(t *testing.T) {
	tests := []struct {
		name  string
		setUp func(f *fixture)
		class failure.Class
		text  []string
	}{
		{"read only", func(f *fixture) { f.Grant("team-a/app", "team-a+ci", quaytest.Read) },
			failure.ClassPushDenied, []string{`robot "team-a+ci"`, "/team-a/app", `["pull"]`, "needs push", "auths entry"}},
		{"no right", func(f *fixture) { f.Revoke("team-a/app", "team-a+ci") }, failure.ClassNoAccess, []string{"does not exist, or robot"}},
		{"no repository", func(f *fixture) { f.opts.ImageRef = f.Host() + "/team-a/none" }, failure.ClassNoAccess, []string{"/team-a/none does not exist"}},
		{"a mirror", func(f *fixture) { f.SetState("team-a/app", quaytest.Mirror) }, failure.ClassPushDenied, []string{"mirror"}},
		{"an old token", func(f *fixture) { f.RegenerateRobot("team-a+ci") }, failure.ClassCredentialRefused, []string{"regenerated"}},
		{"a deleted robot", func(f *fixture) { f.DeleteRobot("team-a+ci") }, failure.ClassCredentialRefused, []string{"Could not find robot"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			test.setUp(f)
			reason := f.fail(test.class)
			for _, text := range test.text {
				if !strings.Contains(reason.Error(), text) {
					t.Errorf("the error is %q, want %q in it", reason, text)
				}
			}
			for _, r := range f.Requests() {
				if r.Method != http.MethodGet || r.Bytes > 0 {
					t.Errorf("before the right was known: %+v", r)
				}
			}
			if n := len(f.Requests()); n != 2 {
				t.Errorf("%d requests, want the challenge and the token: a refusal is not tried again", n)
			}
		})
	}
}

func TestNoCredential(t *testing.T) {
	other := []byte(`{"auths":{"other.example.com":{"username":"team-b+ci","password":"x"}}}`)
	tests := []struct {
		name string
		path func(t *testing.T) string
		text string
	}{
		{"no file", func(t *testing.T) string { return filepath.Join(t.TempDir(), "none") }, "mount the Secret"},
		{"an empty directory", func(t *testing.T) string { return t.TempDir() }, "mount the Secret"},
		{"no entry for the host", func(t *testing.T) string {
			file := filepath.Join(t.TempDir(), "config.json")
			write(t, file, other)
			return file
		}, "other.example.com"},
		{"not JSON", func(t *testing.T) string {
			file := filepath.Join(t.TempDir(), "config.json")
			write(t, file, []byte("{"))
			return file
		}, "not JSON"},
		{"none named", func(t *testing.T) string { t.Setenv("DOCKER_CONFIG", ""); return "" }, "DOCKER_CONFIG"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			// A credential at home must not be found.
			home := t.TempDir()
			t.Setenv("HOME", home)
			if err := os.Mkdir(filepath.Join(home, ".docker"), 0o755); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(home, ".docker", "config.json"), f.Dockerconfig("team-a+ci"))
			f.opts.Dockerconfig = test.path(t)
			if reason := f.fail(failure.ClassNoCredential); !strings.Contains(reason.Error(), test.text) {
				t.Errorf("the error is %q, want %q in it", reason, test.text)
			}
			if n := len(f.Requests()); n > 0 {
				t.Errorf("%d requests without a credential", n)
			}
		})
	}
}

func TestDockerconfigOfTheEnvironment(t *testing.T) {
	f := newFixture(t)
	directory := t.TempDir()
	write(t, filepath.Join(directory, ".dockerconfigjson"), f.Dockerconfig("team-a+ci"))
	t.Setenv("DOCKER_CONFIG", directory)
	f.opts.Dockerconfig = ""
	f.push()
}

// Credentials go to the registry host and nowhere else, whatever the registry says.
func TestForeignHosts(t *testing.T) {
	tests := []struct {
		name, method, path, header, value string
	}{
		{"a realm elsewhere", "GET", "^/v2/$", "WWW-Authenticate", `Bearer realm="https://evil.example.com/token",service="x"`},
		{"a realm without TLS", "GET", "^/v2/$", "WWW-Authenticate", `Bearer realm="http://HOST/v2/auth",service="x"`},
		{"a realm with a user", "GET", "^/v2/$", "WWW-Authenticate", `Bearer realm="https://a:b@HOST/v2/auth",service="x"`},
		{"a location elsewhere", "POST", "/uploads/", "Location", "https://evil.example.com/upload"},
		{"a location without TLS", "POST", "/uploads/", "Location", "http://HOST/upload"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			value := strings.ReplaceAll(test.value, "HOST", f.Host())
			writeLayout(t, f.layout, large)
			f.Faults.Add(quaytest.Fault{Name: test.name, Method: test.method, Path: test.path, Times: -1, Effect: quaytest.SetHeader(test.header, value)})
			f.fail(failure.ClassForeignHost)
		})
	}
	t.Run("a redirect", func(t *testing.T) {
		f := newFixture(t)
		f.Faults.Add(quaytest.Fault{Name: "redirect", Path: "/manifests/", Times: -1,
			Effect: quaytest.Status(http.StatusTemporaryRedirect, http.Header{"Location": {"https://evil.example.com/x?signature=1"}}, "")})
		if reason := f.fail(failure.ClassForeignHost); strings.Contains(reason.Error(), "signature") {
			t.Errorf("the error has the query: %v", reason)
		}
	})
}

func TestDeclaredTokenHost(t *testing.T) {
	f := newFixture(t)
	realm := strings.Replace(f.URL(), "127.0.0.1", "localhost", 1)
	f.Faults.Add(quaytest.Fault{Name: "realm", Path: "^/v2/$", Times: -1,
		Effect: quaytest.SetHeader("WWW-Authenticate", `Bearer realm="`+realm+`/v2/auth",service="`+f.Host()+`"`)})
	f.fail(failure.ClassForeignHost)
	f.opts.TokenHost = strings.TrimPrefix(realm, "https://")
	f.push()
}

// What a registry echoes must not get out either.
func TestEchoedSecrets(t *testing.T) {
	f := newFixture(t)
	f.Faults.Add(quaytest.Fault{Name: "echo", Path: "^/v2/auth$", Times: -1,
		Effect: quaytest.Status(http.StatusUnauthorized, nil, `{"errors":[{"code":"UNAUTHORIZED","message":"no `+f.token+`"}]}`)})
	if reason := f.fail(failure.ClassCredentialRefused); !strings.Contains(reason.Error(), "(secret)") {
		t.Errorf("the error is %q", reason)
	}
}

// A token service that sends a token with a status of failure has sent it all the same: nothing shows its body.
func TestTokenOfAFailureIsNotShown(t *testing.T) {
	for _, status := range []int{http.StatusCreated, http.StatusNonAuthoritativeInfo, http.StatusUnauthorized, http.StatusForbidden, http.StatusBadRequest, http.StatusInternalServerError} {
		for _, body := range []string{`{"token":"OPAQUE"}`, `{"access_token":"OPAQUE","details":"no"}`, `OPAQUE`, `"OPAQUE"`, `["OPAQUE"]`} {
			f := newFixture(t)
			f.Faults.Add(quaytest.Fault{Name: "token", Path: onToken, Times: -1, Effect: quaytest.Status(status, nil, body)})
			f.opts.Timeout = 300 * time.Millisecond
			var log bytes.Buffer
			f.opts.LogOutput = &log
			_, err := push.Push(t.Context(), f.opts)
			if err == nil || strings.Contains(err.Error(), "OPAQUE") || strings.Contains(log.String(), "OPAQUE") {
				t.Errorf("%d %s: %v\n%s", status, body, err, log.String())
			}
		}
	}
}

func TestUntrustedCertificate(t *testing.T) {
	f := newFixture(t)
	f.opts.CAFile = ""
	f.fail(failure.ClassCertificate)
}
