package gitops_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// elsewhere is a server that nobody should ask.
func elsewhere(t *testing.T) *httptest.Server {
	t.Helper()
	var asked atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		http.NotFound(w, r)
	}))
	t.Cleanup(func() {
		other.Close()
		if n := asked.Load(); n > 0 {
			t.Errorf("the other host was asked %d times", n)
		}
	})
	return other
}

// redirect answers requests for paths that end with suffix with a redirect to what to returns.
func (f *fixture) redirect(suffix string, status int, to func(*http.Request) string) {
	before := func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.RequestURI(), suffix) {
			return false
		}
		w.Header().Set("Location", to(r))
		w.WriteHeader(status)
		return true
	}
	f.Before.Store(&before)
}

// No request of an update is sent to another host, whichever one it is that is redirected, and however.
func TestRedirectElsewhere(t *testing.T) {
	for _, suffix := range []string{"info/refs?service=git-upload-pack", "git-upload-pack", "info/refs?service=git-receive-pack", "git-receive-pack"} {
		for _, status := range []int{301, 302, 303, 307, 308} {
			t.Run(fmt.Sprintf("%s with %d", suffix, status), func(t *testing.T) {
				f := newFixture(t)
				other := elsewhere(t)
				f.redirect(suffix, status, func(r *http.Request) string { return other.URL + r.URL.RequestURI() })
				err := f.fail("")
				if err != nil && strings.HasPrefix(suffix, "info") && !strings.Contains(err.Error(), "redirects to "+other.URL+"; the credential goes to the host of --repository alone") {
					t.Errorf("error is %v", err)
				}
			})
		}
	}
}

// Where a server only redirects to another path of its own, as GitLab does to the one with .git, that is followed.
func TestRedirectOnTheHost(t *testing.T) {
	f := newFixture(t)
	f.opts.Repository = f.HTTP.URL + "/gitops"
	before := func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasPrefix(r.URL.Path, "/gitops.git/") {
			return false
		}
		http.Redirect(w, r, strings.Replace(r.URL.RequestURI(), "/gitops/", "/gitops.git/", 1), http.StatusMovedPermanently)
		return true
	}
	f.Before.Store(&before)
	if got := f.update(); got.Commit != f.Head(branch) {
		t.Errorf("Update = %+v", got)
	}
}

// Neither what a user's Git is configured to do, nor what lies in the repository, names another server.
func TestConfigurationElsewhere(t *testing.T) {
	f := newFixture(t)
	other := elsewhere(t)
	home := t.TempDir()
	config := fmt.Sprintf("[url %q]\n\tinsteadOf = %s/\n\tpushInsteadOf = %s/\n[http]\n\tproxy = %s\n[credential]\n\thelper = !false\n", other.URL+"/", f.HTTP.URL, f.HTTP.URL, other.URL)
	for _, name := range []string{".gitconfig", ".config/git/config"} {
		file := filepath.Join(home, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	f.Commit("main", "a submodule", map[string]string{
		".gitmodules": "[submodule \"m\"]\n\tpath = m\n\turl = " + other.URL + "/m.git\n", ".gitconfig": config, ".git-credentials": other.URL,
		"objects/info/alternates": other.URL + "/objects\n", "objects/info/http-alternates": other.URL + "/objects\n",
	})
	for name, value := range map[string]string{
		"HOME": home, "XDG_CONFIG_HOME": filepath.Join(home, ".config"), "GIT_CONFIG_GLOBAL": filepath.Join(home, ".gitconfig"),
		"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "url." + other.URL + "/.insteadOf", "GIT_CONFIG_VALUE_0": f.HTTP.URL + "/",
		"GIT_SSH_COMMAND": "false", "GIT_ALTERNATE_OBJECT_DIRECTORIES": home, "GIT_DIR": home,
	} {
		t.Setenv(name, value)
	}
	if got, err := f.tryUpdate(); err != nil || !got.Changed {
		t.Errorf("Update = %+v, %v", got, err)
	}
}
