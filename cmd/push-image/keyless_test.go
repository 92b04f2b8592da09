package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/internal/oidctest"
	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/test/docs"
)

// job is a place where CI runs what docs/keyless.md shows: a Quay with the page's robot and repository, and an issuer that it trusts.
type job struct {
	t      *testing.T
	quay   *quaytest.Quay
	issuer *oidctest.Issuer
	dir    string
	env    []string
}

func newJob(t *testing.T, binary string) *job {
	t.Helper()
	j := &job{t: t, quay: quaytest.Start(t), issuer: oidctest.Start(t), dir: t.TempDir()}
	j.quay.AddOrganization("team-payments")
	j.quay.AddRepository("team-payments", "checkout")
	j.quay.AddRobot("team-payments", "ci")
	j.quay.Grant("team-payments/checkout", "team-payments+ci", quaytest.Write)
	j.quay.TrustIssuers(j.issuer.Authorities())
	j.quay.SetFederation("team-payments+ci", quaytest.Federation{Issuer: j.issuer.URL(), Subject: "job"})
	if err := writeLayout(filepath.Join(j.dir, "image")); err != nil {
		t.Fatal(err)
	}
	j.env = []string{"PATH=" + filepath.Dir(binary) + ":" + os.Getenv("PATH"), "SSL_CERT_FILE=" + j.quay.CAFile(), "NO_PROXY=127.0.0.1", "HOME=" + j.dir}
	return j
}

// run runs a script as CI does, and returns what it printed.
func (j *job) run(script string, env ...string) string {
	j.t.Helper()
	shell := exec.Command("bash", "-e", "-c", strings.ReplaceAll(script, "quay.example.com", j.quay.Host()))
	shell.Dir, shell.Env = j.dir, append(j.env, env...)
	out, err := shell.CombinedOutput()
	if err != nil {
		j.t.Fatalf("%v\n%s", err, out)
	}
	if strings.Contains(string(out), "eyJ") {
		j.t.Errorf("a token was printed:\n%s", out)
	}
	return string(out)
}

// pushed checks that the image is in Quay under tag, and was sent without a stored token.
func (j *job) pushed(tag string) {
	j.t.Helper()
	if j.quay.Tags("team-payments/checkout")[tag] == "" {
		j.t.Errorf("there is no tag %q", tag)
	}
	first := j.quay.Requests()[0]
	if first.Path != "/oauth2/federation/robot/token" || first.Status != http.StatusOK {
		j.t.Errorf("the first request is %+v", first)
	}
}

// page returns the blocks of docs/keyless.md in a language.
func page(t *testing.T, language string) (found []docs.Block) {
	t.Helper()
	blocks, err := docs.Read("../../docs/keyless.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range blocks {
		if b.Language == language {
			found = append(found, b)
		}
	}
	return found
}

// object returns the block of YAML that has a field.
func object(t *testing.T, field string) docs.Object {
	t.Helper()
	for _, block := range page(t, "yaml") {
		documents, err := docs.Documents(block)
		if err != nil {
			t.Fatal(err)
		}
		if o := documents[0].(docs.Object); o[field] != nil {
			return o
		}
	}
	t.Fatalf("no block has the field %q", field)
	return nil
}

// What the page shows for each CI pushes, with a token as that CI gives it.
func TestKeyless(t *testing.T) {
	for _, tool := range []string{"bash", "curl", "jq"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("there is no %s: %v", tool, err)
		}
	}
	binary := buildBinary(t)
	for name, push := range map[string]func(j *job){"GitHub": keylessOnGitHub, "GitLab": keylessOnGitLab, "anywhere": keylessAnywhere} {
		t.Run(name, func(t *testing.T) { push(newJob(t, binary)) })
	}
}

// keylessOnGitHub gets a token as GitHub gives it, in the step of the workflow.
func keylessOnGitHub(j *job) {
	const bearer = "a-request-token"
	github := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "bearer "+bearer || r.URL.Query().Get("audience") != j.quay.Host() || r.URL.Query().Get("api-version") != "2.0" {
			j.t.Errorf("GitHub was asked %s with %q", r.URL, r.Header.Get("Authorization"))
		}
		json.NewEncoder(w).Encode(map[string]any{"count": 1, "value": j.issuer.Token("job")})
	}))
	j.t.Cleanup(github.Close)
	steps := object(j.t, "jobs")["jobs"].(docs.Object)["push"].(docs.Object)["steps"].([]any)
	script := steps[len(steps)-1].(docs.Object)["run"].(string)
	j.run(script, "ACTIONS_ID_TOKEN_REQUEST_TOKEN="+bearer, "ACTIONS_ID_TOKEN_REQUEST_URL="+github.URL+"/token?api-version=2.0", "RUNNER_TEMP="+j.dir, "GITHUB_SHA=0123456789abcdef")
	j.pushed("0123456789abcdef")
	if info, err := os.Stat(filepath.Join(j.dir, "token")); err != nil || info.Mode().Perm() != 0o600 {
		j.t.Errorf("the file with the token has %v, %v", info.Mode(), err)
	}
}

// keylessOnGitLab has its token in a variable.
func keylessOnGitLab(j *job) {
	script := []string{}
	for _, line := range object(j.t, "push")["push"].(docs.Object)["script"].([]any) {
		script = append(script, fmt.Sprint(line))
	}
	j.run(strings.Join(script, "\n"), "QUAY_TOKEN="+j.issuer.Token("job"), "CI_COMMIT_SHA=abcdef0123456789")
	j.pushed("abcdef0123456789")
}

// keylessAnywhere has a file, and looks at what is in it.
func keylessAnywhere(j *job) {
	if err := os.WriteFile(filepath.Join(j.dir, "token"), []byte(j.issuer.Token("job")), 0o600); err != nil {
		j.t.Fatal(err)
	}
	out := ""
	for _, block := range page(j.t, "sh") {
		out = j.run(block.Text)
	}
	j.pushed("v1")
	var claims struct{ Iss, Sub string }
	if err := json.Unmarshal([]byte(out), &claims); err != nil || claims.Iss != j.issuer.URL() || claims.Sub != "job" {
		j.t.Errorf("the claims are shown as %s, %v", out, err)
	}
}
