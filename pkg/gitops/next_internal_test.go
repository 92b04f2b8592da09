package gitops

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/internal/nexttest"
	"github.com/comptech-lab/quay-push/pkg/gitops/gitopstest"
	"github.com/comptech-lab/quay-push/pkg/overlay"
)

// cause is what is wrong: with the options, with the server, or with what it answers.
type cause struct {
	*testing.T
	opts   Options
	server *gitopstest.Server
}

// start starts a server with the app checkout.
func (c *cause) start() *gitopstest.Server {
	c.server = gitopstest.Start(c, gitopstest.App("checkout"))
	c.opts.Repository, c.opts.PlainHTTP = c.server.URL(), true
	c.opts.Credential = c.secret("username", gitopstest.Username, "token", gitopstest.Password)
	return c.server
}

// git runs git in the server's repository.
func (c *cause) git(args ...string) { gitopstest.Git(c, c.start().Dir, args...) }

// hook makes a hook of the server.
func (c *cause) hook(name, script string) {
	if err := os.WriteFile(filepath.Join(c.start().Dir, "hooks", name), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		c.Fatal(err)
	}
}

// secret writes files to a directory.
func (c *cause) secret(nameAndContent ...string) string {
	dir := c.TempDir()
	for i := 0; i < len(nameAndContent); i += 2 {
		if err := os.WriteFile(filepath.Join(dir, nameAndContent[i]), []byte(nameAndContent[i+1]), 0o600); err != nil {
			c.Fatal(err)
		}
	}
	return dir
}

// file writes a file.
func (c *cause) file(content string) string { return filepath.Join(c.secret("f", content), "f") }

// answer lets an HTTP server answer everything in one way.
func (c *cause) answer(do http.HandlerFunc) {
	server := httptest.NewServer(do)
	c.Cleanup(server.Close)
	c.opts.Repository, c.opts.PlainHTTP = server.URL+"/x.git", true
}

// status lets an HTTP server answer everything with a status and a text.
func status(code int, text string) func(*cause) {
	return func(c *cause) {
		c.answer(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, text, code) })
	}
}

// withCredential gives a credential too.
func withCredential(do func(*cause)) func(*cause) {
	return func(c *cause) {
		do(c)
		c.opts.Credential = c.secret("username", gitopstest.Username, "token", gitopstest.Password)
	}
}

// tls starts a server with TLS, and returns the PEM of its authority.
func (c *cause) tls() (server *httptest.Server, authority string) {
	server = httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	c.Cleanup(server.Close)
	c.opts.Repository = server.URL + "/x.git"
	return server, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
}

const (
	nextPEM       = "let it have the authority's certificate in PEM, which begins with -----BEGIN CERTIFICATE-----"
	nextFiles     = "--credential needs the files username, and password or token"
	nextURL       = "give a URL such as https://gitlab.example.com/payments/gitops.git"
	nextAuthor    = "give it as in --author 'CI (payments) <ci@example.com>'"
	nextTarget    = "give the branch that merge requests go into, such as main; ci/ is for what CI writes"
	nextHook      = "keep to the server's rule, such as with another --author, or ask who keeps the repository to allow branches ci/dev/*"
	nextNoServer  = "see whether the server is there, and run it again"
	nextSHA1      = "use a repository with SHA-1 object names (git init --object-format=sha1)"
	nextNoGit     = "see whether --repository is the URL that git clone takes: what answers there is no Git server"
	nextLater     = "run it again later; if that does not help, ask who runs the Git server"
	nextDirectory = "see whether --results-dir has room and can be written"
)

// causes lead to an error each: the problem with its proof, the exit code and the next step.
var causes = map[string]struct {
	do      func(*cause)
	exit    int
	problem string
	next    string
}{
	// The flags.
	"no repository": {func(c *cause) { c.opts.Repository = "" }, 2, "--repository is missing", "give the URL that git clone takes"},
	"a password in it": {func(c *cause) {
		c.opts.Repository = "https://" + url.UserPassword("u", gitopstest.Password).String() + "@git.test/x"
	}, 2, "has a user or a password", "take it out, and give --credential"},
	"an SSH URL":          {func(c *cause) { c.opts.Repository = "ssh://git@git.test/" + gitopstest.Password }, 2, "is not https://HOST/PATH", nextURL},
	"a directory":         {func(c *cause) { c.opts.Repository = "/srv/gitops.git" }, 2, "is not https://HOST/PATH", nextURL},
	"a query":             {func(c *cause) { c.opts.Repository = "https://git.test/x?private_token=" + gitopstest.Password }, 2, "is not https://HOST/PATH", nextURL},
	"a host in capitals":  {func(c *cause) { c.opts.Repository = "https://Git.test/x" }, 2, "with a host in lower case", nextURL},
	"no path":             {func(c *cause) { c.opts.Repository = "https://git.test//" }, 2, "is not https://HOST/PATH", nextURL},
	"the usual port":      {func(c *cause) { c.opts.Repository = "https://git.test:443/x" }, 2, "names the port that https has anyway", "leave the port out"},
	"no TLS":              {func(c *cause) { c.opts.Repository = "http://git.test/x" }, 2, "has no TLS", "give an https URL, or --plain-http to send the credential all the same"},
	"no image":            {func(c *cause) { c.opts.Image = "" }, 2, "--image is missing", "give --overlay-image, or --image and --digest"},
	"a tag for a digest":  {func(c *cause) { c.opts.Digest = "latest" }, 2, `--digest: "latest" is not the digest`, "use the digest that the push reported, sha256:<64 hex>"},
	"image twice":         {func(c *cause) { c.opts.OverlayImage = "{}" }, 2, "--overlay-image says what --image and --digest say", "give one or the other"},
	"no item":             {func(c *cause) { c.opts.OverlayImage, c.opts.Image, c.opts.Digest = "{}", "", "" }, 2, "reading overlay-image", "give the result overlay-image of the push as it is"},
	"no commit":           {func(c *cause) { c.opts.SourceCommit = "../../heads/main" }, 2, "is not 7 to 64 hex", "give the hash of the commit that was built, or leave it out"},
	"a branch of CI":      {func(c *cause) { c.opts.TargetBranch = "ci/dev/x" }, 2, `"ci/dev/x" is no branch`, nextTarget},
	"a refspec":           {func(c *cause) { c.opts.TargetBranch = "+a:b" }, 2, `"+a:b" is no branch`, nextTarget},
	"an author of nobody": {func(c *cause) { c.opts.Author = "nobody" }, 2, `"nobody" is not NAME <ADDRESS>`, nextAuthor},
	"two lines of author": {func(c *cause) { c.opts.Author = "x\ny <a@b>" }, 2, "is not NAME <ADDRESS>", nextAuthor},
	"an author of quotes": {func(c *cause) { c.opts.Author = `"" <a@b>` }, 2, "has no name", nextAuthor},
	"a missing CA file":   {func(c *cause) { c.opts.CAFile = "/none" }, 2, "--ca-file cannot be read", "let --ca-file be a file that can be read"},
	"an empty CA file":    {func(c *cause) { c.opts.CAFile = c.file("\n") }, 2, "it is empty", nextPEM},
	"a CA file of text":   {func(c *cause) { c.opts.CAFile = c.file("hello") }, 2, "it is not PEM", nextPEM},
	"a CA file of a key":  {func(c *cause) { c.opts.CAFile = c.file("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n") }, 2, `but "PUBLIC KEY"`, nextPEM},
	"a CA file of noise": {func(c *cause) {
		c.opts.CAFile = c.file("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
	}, 2, "that can be read", nextPEM},
	"a CA file in DER": {func(c *cause) {
		_, authority := c.tls()
		block, _ := pem.Decode([]byte(authority))
		c.opts.CAFile = c.file(string(block.Bytes))
	}, 2, "it is DER", "write it as PEM: openssl x509 -inform der -in FILE -out FILE.pem"},
	"a past timeout":        {func(c *cause) { c.opts.Timeout = -1 }, 2, "--timeout is negative", "give a time such as 5m, or leave it out"},
	"a log of XML":          {func(c *cause) { c.opts.LogFormat = "xml" }, 2, `--log-format is "xml"`, "use text or json"},
	"no results directory":  {func(c *cause) { c.opts.ResultsDir = "/none" }, 2, "--results-dir: preparing results", "let --results-dir be a directory that can be written"},
	"no credential":         {func(c *cause) { c.opts.Credential = "/none" }, 1, "the Git credential cannot be read: open /none/username", nextFiles},
	"a credential of lines": {func(c *cause) { c.opts.Credential = c.secret("username", "a\nb") }, 1, "file username is not one line", nextFiles},

	// The way to the server.
	"nobody there":         {func(c *cause) { c.start().HTTP.Close() }, 1, "the repository cannot be read", nextNoServer},
	"an unknown authority": {func(c *cause) { c.tls() }, 1, "unknown authority", "let --ca-file have the authority of the server's certificate; the Task takes ConfigMap config-trusted-cabundle"},
	"another host's": {func(c *cause) {
		s, ca := c.tls()
		c.opts.Repository = strings.Replace(s.URL, "127.0.0.1", "localhost", 1) + "/x"
		c.opts.CAFile = c.file(ca)
	}, 1, "localhost", "let --repository have a host that the server's certificate is for"},
	"a server without TLS":  {func(c *cause) { c.opts.Repository = "https" + strings.TrimPrefix(c.start().URL(), "http") }, 1, "HTTP response to HTTPS client", "let --repository have the port of the server that has TLS"},
	"a redirect elsewhere":  {func(c *cause) { c.answer(http.RedirectHandler("http://git.test/x", http.StatusFound).ServeHTTP) }, 1, "redirects to http://git.test", "the credential goes to the host of --repository alone; give the URL that the server redirects to, if that is right"},
	"no time":               {func(c *cause) { c.start(); c.opts.Timeout = 1 }, 1, "deadline exceeded", "run it again: what is there is not pushed twice"},
	"a user is asked for":   {func(c *cause) { c.start(); c.opts.Credential = "" }, 1, "authentication required", "give --credential, in the Task git-secret: the server asks for a user"},
	"a token that is wrong": {func(c *cause) { c.start(); c.opts.Credential = c.secret("username", "x", "token", "wrong") }, 1, "authentication required", "see whether the token in the Secret is the Git server's, and has not expired"},
	"a token of no right":   {withCredential(status(http.StatusForbidden, "GitLab: You are not allowed")), 1, "GitLab: You are not allowed", "the token needs the right to push to the repository (GitLab: write_repository, role Developer)"},
	"nobody is refused":     {status(http.StatusForbidden, "no"), 1, "authorization failed", "give --credential, in the Task git-secret: the server refuses who gives none; or ask who runs it"},
	"a firewall": {withCredential(status(http.StatusForbidden, "<HTML><title>Request Rejected</title><script>x()</script>Your support ID is:&nbsp;4711</HTML>")), 1, "authorization failed: Request Rejected Your support ID is: 4711",
		"see who answers with a page: a proxy, a firewall or a login in front of the Git server has to let this request through; if it is the server itself, the token needs the right to push"},
	"a gateway's page":     {status(http.StatusBadGateway, "<html><title>502</title>nginx</html>"), 1, "502: 502 nginx", nextLater},
	"nobody sees nothing":  {status(http.StatusNotFound, ""), 1, "repository not found", "see whether --repository is right; if it is, give --credential, in the Task git-secret: Git servers hide a private repository from who gives none"},
	"nobody is asked":      {status(http.StatusUnauthorized, ""), 1, "authentication required", "give --credential, in the Task git-secret: the server asks for a user"},
	"a token is asked for": {withCredential(status(http.StatusUnauthorized, "")), 1, "authentication required", "see whether the token in the Secret is the Git server's, and has not expired"},
	"a path of nothing":    {withCredential(status(http.StatusNotFound, "")), 1, "repository not found", "see whether --repository is right; Git servers say so also where the credential may see nothing"},
	"too many requests":    {status(http.StatusTooManyRequests, "slow down"), 1, "429: slow down", "wait, and run it again: the server limits how often it is asked"},
	"a server that is ill": {status(http.StatusBadGateway, "GitLab is \x1b[31mnot\nresponding"), 1, "502: GitLab is [31mnot responding", nextLater},
	"another answer":       {status(http.StatusTeapot, "tea"), 1, "418: tea", "ask who runs the Git server why it answers so"},
	"a page": {func(c *cause) {
		c.answer(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>Sign in</html>") })
	}, 1, "the repository cannot be read", nextNoGit},
	"a list of a page": {func(c *cause) {
		c.answer(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "001e# service=git-upload-pack\n00000008none")
		})
	}, 1, "the repository cannot be read", nextNoGit},
	"a server that says no": {func(c *cause) {
		c.answer(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "001e# service=git-upload-pack\n0000001aERR GitLab: migrated.\n0000")
		})
	}, 1, "the server says: GitLab: migrated.", "do what the server says, or ask who runs it"},

	// The repository.
	"an empty repository": {func(c *cause) { c.git("update-ref", "-d", "refs/heads/main") }, 1, "remote repository is empty", "push the target branch with the app first: the repository is empty"},
	"no such branch":      {func(c *cause) { c.start(); c.opts.TargetBranch = "trunk" }, 1, `no branch "trunk": of its 1 branches the first are ["main"]`, "let --target-branch be a branch that it has"},
	"SHA-256":             {func(c *cause) { c.sha256() }, 1, "SHA-256 object names are not supported", nextSHA1},
	"no app":              {func(c *cause) { c.start(); c.opts.App = "none" }, 1, `on branch "main": "apps/payments/none`, ""},
	"a submodule for it":  {func(c *cause) { c.submodule() }, 1, `is in the submodule "checkout", of which nothing is fetched`, "put the files themselves there"},
	"a large file": {func(c *cause) {
		c.start().Commit("main", "x", map[string]string{"apps/payments/checkout/base/x": strings.Repeat("x", 1<<20+1)})
	}, 1, "bytes", "keep large files out of it"},

	// The push.
	"branch ci":       {func(c *cause) { c.git("branch", "ci", "main") }, 1, `branch "ci" is in the way of "ci/dev/aaaaaaaa"`, `delete or rename branch "ci": Git cannot have both`},
	"branch ci/dev":   {func(c *cause) { c.git("branch", "ci/dev", "main") }, 1, `branch "ci/dev" is in the way`, `delete or rename branch "ci/dev": Git cannot have both`},
	"a branch below":  {func(c *cause) { c.git("branch", "ci/dev/aaaaaaaa/x", "main") }, 1, `branch "ci/dev/aaaaaaaa/x" is in the way`, `delete or rename branch "ci/dev/aaaaaaaa/x": Git cannot have both`},
	"a hook":          {func(c *cause) { c.hook("pre-receive", "echo 'GL-HOOK-ERR: no such author' >&2; exit 1\n") }, 1, "pre-receive hook declined; the server says: GL-HOOK-ERR: no such author", nextHook},
	"a hook of a ref": {func(c *cause) { c.hook("update", "printf 'line one\\nline \\033[31mtwo\\n' >&2; exit 1\n") }, 1, "hook declined; the server says: line one line [31mtwo", nextHook},
	"a hook of much":  {func(c *cause) { c.hook("pre-receive", "yes word | head -c 100000 >&2; exit 1\n") }, 1, "the server says: word word word", nextHook},
	"a hook that tells": {func(c *cause) {
		c.hook("pre-receive", "echo 'your password is "+gitopstest.Password+"' >&2; exit 1\n")
	}, 1, "your password is …", nextHook},
	"a branch that is hidden": {func(c *cause) { c.git("config", "receive.hideRefs", "refs/heads/ci") }, 1, "deny updating a hidden ref", "ask who keeps the repository to allow branches ci/dev/*"},
	"a lock that is left": {func(c *cause) {
		dir := filepath.Join(c.start().Dir, "refs/heads/ci/dev")
		if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, "aaaaaaaa.lock"), nil, 0o600)); err != nil {
			c.Fatal(err)
		}
	}, 1, `the server does not take branch "ci/dev/aaaaaaaa"`, "run it again; if that does not help, ask who runs the Git server why it cannot write the branch"},
	"a server that is full": {func(c *cause) { c.git("config", "receive.maxInputSize", "10") }, 1, "the server says:", "run it again later; if that does not help, ask who runs the Git server, with what it says"},

	"a server that breaks off": {func(c *cause) {
		c.start()
		before := func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasSuffix(r.URL.Path, "/git-receive-pack") {
				return false
			}
			w.Header().Set("Content-Type", "application/x-git-receive-pack-result")
			fmt.Fprint(w, "0013\x02no space left\n", "0010\x03fatal: bye\n")
			return true
		}
		c.server.Before.Store(&before)
	}, 1, "fatal: bye; the server says: no space left", "run it again later; if that does not help, ask who runs the Git server, with what it says"},

	// This side.
	"no scratch disk": {func(c *cause) { c.start(); c.Setenv("TMPDIR", "/none") }, 1, "the scratch disk cannot be written", "$TMPDIR, else /tmp, must be writable and have room for 256 MiB"},
	"no workspace":    {func(c *cause) { c.start(); c.opts.Workspace = c.file("") }, 1, "the evidence cannot be written", "--workspace must exist and be writable"},
	"a result that is taken": {func(c *cause) {
		c.start()
		c.opts.ResultsDir = c.TempDir()
		before := func(_ http.ResponseWriter, r *http.Request) bool {
			if strings.HasSuffix(r.URL.Path, "/git-receive-pack") {
				os.RemoveAll(c.opts.ResultsDir)
			}
			return false
		}
		c.server.Before.Store(&before)
	}, 1, "the results cannot be written", nextDirectory},
	"a branch that goes": {func(c *cause) {
		c.start()
		asked := 0
		before := func(_ http.ResponseWriter, r *http.Request) bool {
			if asked++; asked == 2 {
				gitopstest.Git(c, c.server.Dir, "update-ref", "refs/heads/other", "main")
				gitopstest.Git(c, c.server.Dir, "update-ref", "-d", "refs/heads/main")
			}
			return false
		}
		c.server.Before.Store(&before)
	}, 1, "a branch went away meanwhile", "run it again"},
}

// sha256 serves a repository with SHA-256 object names.
func (c *cause) sha256() {
	s := c.start()
	if err := os.RemoveAll(s.Dir); err != nil {
		c.Fatal(err)
	}
	gitopstest.Git(c, ".", "init", "-q", "--bare", "--object-format=sha256", "--initial-branch=main", s.Dir)
	tree := strings.TrimSpace(gitopstest.Git(c, s.Dir, "mktree", "--missing"))
	gitopstest.Git(c, s.Dir, "update-ref", "refs/heads/main", strings.TrimSpace(gitopstest.Git(c, s.Dir, "commit-tree", "-m", "x", tree)))
}

// submodule puts one in the place of the app.
func (c *cause) submodule() {
	c.start().Import(func(w io.Writer) {
		gitopstest.StartCommit(w)
		fmt.Fprintf(w, "M 160000 %040d apps/payments/checkout\n", 1)
	})
}

// Each cause has the problem, the exit code and the next step of its row, and each next step of the source has a cause.
func TestCauses(t *testing.T) {
	seen := []string{}
	for _, part := range connectionCauses {
		seen = append(seen, part.next)
	}
	for name, row := range causes {
		t.Run(name, func(t *testing.T) {
			c := &cause{T: t, opts: Options{Repository: "https://git.test/x.git", Team: "payments", App: "checkout",
				Image: gitopstest.Image("checkout"), Digest: gitopstest.Digest("a")}}
			row.do(c)
			_, err := Update(context.Background(), c.opts)
			if err == nil || !strings.Contains(err.Error(), row.problem) || ExitCode(err) != row.exit {
				t.Fatalf("the error is %v, exit %d, want %q", err, ExitCode(err), row.problem)
			}
			var next string
			refusal, own := (*overlay.Refusal)(nil), (*Error)(nil)
			switch {
			case errors.As(err, &refusal):
				next = refusal.Next
			case errors.As(err, &own):
				next = own.Next
				if len(own.Proof) > maxProof+len("…") || strings.ContainsAny(own.Proof, "\n\x1b") {
					t.Errorf("the proof is not one bounded line: %q", own.Proof)
				}
			}
			seen = append(seen, next)
			if next == "" || row.next != "" && next != row.next {
				t.Errorf("after %v the next step is %q, want %q", err, next, row.next)
			}
			if strings.Contains(err.Error(), gitopstest.Password) {
				t.Errorf("the error holds the credential: %v", err)
			}
			if c.server != nil && row.exit == 2 && c.server.Requests.Load() > 0 {
				t.Error("the server was asked")
			}
		})
	}
	nexttest.Check(t, seen, nexttest.Sources(t)...)
}

// connectionCauses are errors of a connection that need another network.
var connectionCauses = map[string]struct {
	err  error
	next string
}{
	"a name of nobody":       {&net.DNSError{Err: "no such host", Name: "git.test"}, "see whether the host of --repository is right: nobody knows its name"},
	"a proxy that is away":   {&net.OpError{Op: "proxyconnect", Err: errors.New("refused")}, "see whether HTTPS_PROXY is right, or NO_PROXY names the Git server"},
	"an expired certificate": {x509.CertificateInvalidError{Cert: &x509.Certificate{}, Reason: x509.Expired}, "see whether the server's certificate, and that of its authority, are still valid"},
	"a record of no TLS":     {tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, "let --repository have the port of the server that has TLS"},
	"a cancelled run":        {context.Canceled, "run it again: what is there is not pushed twice"},
	"a connection that ends": {net.ErrClosed, nextNoServer},
	"an unknown flag":        {new(Options).Parse([]string{"--none"}, io.Discard), "see update-overlay --help"},
	"a stray argument":       {new(Options).Parse([]string{"stray"}, io.Discard), "see update-overlay --help"},
	"a damaged repository":   {damagedError("commit cannot be read", errTree), "run git fsck in the repository: it is damaged"},
	"no branch to read":      {errNoBranch, "see whether it is the GitOps repository"},
	"history that is cut":    {errNotWhole, "see whether the Git server has the whole repository, and no shallow clone of it"},
	"many branches":          {tooManyRefs, "remove branches and tags that nobody needs"},
	"a large commit":         {tooLarge(smaller, "x"), smaller},
}

func TestConnectionCauses(t *testing.T) {
	for name, row := range connectionCauses {
		err := remote{}.explain("the repository cannot be read", fmt.Errorf("asking: %w", row.err))
		next := ""
		if own := (*Error)(nil); errors.As(err, &own) {
			next = own.Next
		} else if refusal := (*overlay.Refusal)(nil); errors.As(err, &refusal) {
			next = refusal.Next
		}
		if next != row.next {
			t.Errorf("%s: after %v the next step is %q, want %q", name, err, next, row.next)
		}
	}
}
