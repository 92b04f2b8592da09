package gitops_test

import (
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/gitops/gitopstest"
	"github.com/comptech-lab/quay-push/pkg/overlay"
)

// Authors are taken as Git takes them.
func TestAuthors(t *testing.T) {
	f := newFixture(t)
	for given, want := range map[string]string{
		"platform[bot] <41898282+platform[bot]@users.noreply.github.com>": "platform[bot] <41898282+platform[bot]@users.noreply.github.com>",
		"CI (team payments) <ci@example.com>":                             "CI (team payments) <ci@example.com>",
		"CI Bot [prod] <ci@example.com>":                                  "CI Bot [prod] <ci@example.com>",
		`"Bot, CI" <ci@example.com>`:                                      "Bot, CI <ci@example.com>",
		"Zoë Ångström <zoë@example.com>":                                  "Zoë Ångström <zoë@example.com>",
		" CI<ci@example.com> ":                                            "CI <ci@example.com>",
		"quay-push <quay-push@localhost>":                                 "quay-push <quay-push@localhost>",
	} {
		f.opts.Author = given
		f.opts.SourceCommit = strings.ToLower(gitopstest.Digest("a")[7:27]) // Another commit on the same branch.
		f.opts.Digest = numbered(len(given) + len(want)*100)
		result := f.update()
		if got := strings.TrimSpace(gitopstest.Git(t, f.Dir, "log", "-1", "--format=%an <%ae>", result.Commit)); got != want || !result.Changed {
			t.Errorf("with --author %q the commit is by %q, %+v", given, got, result)
		}
	}
	gitopstest.Git(t, f.Dir, "fsck", "--strict")
}

// A slash at the end of the URL is not sent: servers do not know a path with two.
func TestSlashAtTheEnd(t *testing.T) {
	f := newFixture(t)
	f.opts.Repository += "//"
	before := func(w http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, "//") {
			http.NotFound(w, r)
			return true
		}
		return false
	}
	f.Before.Store(&before)
	if got := f.update(); !got.Changed {
		t.Errorf("Update = %+v", got)
	}
}

// What the server says before it takes a push is in the log.
func TestServerSays(t *testing.T) {
	f := newFixture(t)
	script := "#!/bin/sh\nprintf '\\nA rule is new:\\n  https://git.test/rule\\n' >&2\necho " + gitopstest.Password + " >&2\n"
	if err := os.WriteFile(filepath.Join(f.Dir, "hooks", "pre-receive"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	f.update()
	if want := `"words":"A rule is new: https://git.test/rule …"`; !strings.Contains(f.log.String(), want) {
		t.Errorf("the log is %s", f.log)
	}
}

// What kustomize warns of is a line of the log, and is there once.
func TestWarningsAreLogged(t *testing.T) {
	f := newFixture(t)
	f.Commit("main", "old fields", map[string]string{overlayPath: "vars: [{name: X, objref: {apiVersion: apps/v1, kind: Deployment, name: checkout}}]\n" +
		gitopstest.Kustomization("checkout", overlay.Placeholder)})
	f.update()
	warnings := map[string]int{}
	for line := range strings.Lines(f.log.String()) {
		var entry struct{ Level, Msg, Warning string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Errorf("%q: %v", line, err)
		}
		if entry.Level == "WARN" && entry.Msg == "rendering" {
			warnings[entry.Warning]++
		}
	}
	if len(warnings) != 2 || warnings["well-defined vars that were never replaced: X"] != 1 {
		t.Errorf("the warnings are %v", warnings)
	}
}

// An authority of --ca-file is trusted, also where others are in the file.
func TestAuthority(t *testing.T) {
	f := newFixture(t)
	secure := httptest.NewTLSServer(f.HTTP.Config.Handler)
	t.Cleanup(secure.Close)
	f.opts.Repository, f.opts.PlainHTTP = secure.URL+"/gitops.git", false
	f.opts.CAFile = filepath.Join(t.TempDir(), "ca.pem")
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
	if err := os.WriteFile(f.opts.CAFile, append([]byte("# The authority of the Git server\n"), authority...), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := f.update(); !got.Changed {
		t.Errorf("Update = %+v", got)
	}
}

// A branch beside which Git cannot have another is in nobody's way while there is nothing to push.
func TestObstacle(t *testing.T) {
	f := newFixture(t)
	f.Commit("main", "there already", map[string]string{overlayPath: gitopstest.Kustomization("checkout", gitopstest.Digest("a"))})
	f.Branch("ci", "main")
	if got := f.update(); got.Changed || got.Branch != "main" {
		t.Errorf("Update = %+v", got)
	}
}
