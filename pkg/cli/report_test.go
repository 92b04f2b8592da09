package cli_test

import (
	"context"
	"encoding/json"
	"html"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/cli"
	"github.com/comptech-lab/quay-push/pkg/fleet"
	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// newOffice is a counter with two teams whose credentials are right, and a day of pushes.
func newOffice(t *testing.T) (c *counter, digests map[string]string) {
	t.Helper()
	c = newCounter(t)
	c.onboard("payments")
	c.quay.Advance(41 * 24 * time.Hour)
	c.onboard("platform")
	return c, c.day()
}

// page runs report into a file, and returns what it wrote. The whole page must have no secret.
func (c *counter) page(args ...string) (exit cli.Exit, page, stdout, stderr string) {
	c.Helper()
	file := filepath.Join(c.TempDir(), "report.html")
	exit, stdout, stderr = c.run(c.Context(), "", append([]string{"report", "--html", file}, args...)...)
	data, err := os.ReadFile(file)
	if err != nil {
		c.Fatalf("exit %d, %v\n%s", exit, err, stderr)
	}
	c.keepsSecrets(string(data))
	return exit, string(data), stdout, stderr
}

// says fails the test unless the page has each of the texts, as text.
func says(t *testing.T, page string, texts ...string) {
	t.Helper()
	page = html.UnescapeString(page)
	for _, text := range texts {
		if !strings.Contains(page, text) {
			t.Errorf("the page does not say %q", text)
		}
	}
}

// The page has every team with its checks and the age of its token, what was pushed, what was refused and why, and where it is pinned.
func TestReport(t *testing.T) {
	t.Parallel()
	c, digests := newOffice(t)
	c.withRecords()
	record, err := fleet.Encode(fleet.Rotation{MaxAgeSeconds: (30 * 24 * time.Hour).Seconds()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.kube.CoreV1().ConfigMaps("quay-push").Update(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "quay-push", Name: fleet.RotateConfigMap},
		Data: map[string]string{fleet.Key: record}}, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	c.quay.RegenerateRobot("team-platform+ci")
	exit, page, stdout, stderr := c.page(append([]string{"--since", "10m"}, c.gitArgs()...)...)
	if exit != cli.ExitOK || !strings.HasSuffix(stdout, " bytes: 1 of 2 teams are OK, 3 pushes, 3 refused or failed\n") || strings.Contains(stderr, "not read") {
		t.Errorf("exit %d: %s\n%s", exit, stdout, stderr)
	}
	says(t, page, "Pushes to "+c.quay.Host(), "payments", "41 days", "older than 30 days", "platform", "Vault has the token that Quay has", `the tokens of "team-platform+ci" are equal: false`,
		"run rotate, which makes another robot and ends this one", digests["first"], "50.0 MiB", "team-payments+pusher", "apps-payments-checkout/build-1", "namespace-label",
		"ImageOutsideOrganization: not  [2Jyours", "nowhere", "older versions that can be read: []")
	exit, r, _ := c.runJSON("--since", "10m")
	if exit != cli.ExitOK || r.Kind != "Report" || r.APIVersion != "cli.quay.comptech-lab.com/v1alpha1" || r.Teams != 2 || r.Right != 1 || r.Pushes != 3 || r.Refused != 3 || r.Bytes < 10000 || r.NotRead == nil {
		t.Errorf("exit %d, %+v", exit, r)
	}
}

// reported is the result of report as a program reads it.
type reported struct {
	APIVersion, Kind, File                          string
	Bytes, Teams, Right, Unchecked, Pushes, Refused int
	NotRead                                         []struct{ What, Problem, Next string }
}

// runJSON runs report and reads its JSON.
func (c *counter) runJSON(args ...string) (exit cli.Exit, r reported, stderr string) {
	c.Helper()
	exit, _, stdout, stderr := c.page(append(args, "-o", "json")...)
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		c.Fatalf("%v\n%s", err, stdout)
	}
	return exit, r, stderr
}

// With - the page, and nothing else, is on stdout.
func TestReportToStdout(t *testing.T) {
	t.Parallel()
	c, _ := newOffice(t)
	page := c.must("report", "--html", "-")
	if !strings.HasPrefix(page, "<!doctype html>") || !strings.HasSuffix(page, "</html>\n") || strings.Contains(page, "wrote") {
		t.Errorf("it is %.100s", page)
	}
}

// Wherever a secret is that the command sees, and whatever strangers call their things, the page has none of it, and no markup of theirs.
func TestReportKeepsSecrets(t *testing.T) {
	t.Parallel()
	c, _ := newOffice(t)
	const inVault, inSecret, old, inAnswer = "CANARYOFVAULT", "CANARYOFTHESECRET", "CANARYOFBEFORE", "CANARYOFQUAY0000000000000000000000000000000"
	// Vault has another key and an older version, the Secret another entry; Quay answers one team with a token and with markup.
	path := "apps/payments/app/ci/quay-robot"
	c.versions[path] = []*vault.Secret{{Data: vault.Data{"username": secret.New("team-payments+ci"), "token": secret.New(old)}, Version: 1, Created: c.quay.Now()},
		{Data: vault.Data{"username": secret.New("team-payments+ci"), "token": secret.New(inVault), "password": secret.New(inVault + "2")}, Version: 2, Created: c.quay.Now()}}
	found, err := c.kube.CoreV1().Secrets(shared).Get(t.Context(), "quay-robot-team-payments", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	found.Data = map[string][]byte{corev1.DockerConfigJsonKey: []byte(`{"auths":{"` + c.quay.Host() + `":{"auth":"` + inSecret + `"},"<b>":{"auth":"` + inSecret + `"}}}`), inSecret: []byte(inSecret)}
	if _, err := c.kube.CoreV1().Secrets(shared).Update(t.Context(), found, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	c.quay.Faults.Add(quaytest.Fault{Path: "/organization/team-platform/prototypes", Times: -1,
		Effect: quaytest.Status(400, nil, `{"error_message":"<script>x()</script> no `+inAnswer+` `+c.oauth+`"}`)})
	const hostile = `</td><script>alert("a")</script><img src=x onerror=alert(1)>`
	c.customRun("PushImage", checkout, "build-h", ended(hostile, hostile), "", []string{"image-ref=" + hostile}, nil, func(run *v1beta1.CustomRun) {
		run.Labels = map[string]string{"apps.platform/team": hostile}
	})
	exit, page, stdout, stderr := c.page("--since", "10m")
	for what, text := range map[string]string{"Vault": inVault, "the Secret": inSecret, "an older version": old, "Quay's answer": inAnswer, "the OAuth token": c.oauth, "the Vault token": vaultToken} {
		if strings.Contains(page+stdout+stderr, text) {
			t.Errorf("what is in %s is to be read", what)
		}
	}
	if strings.Contains(page, "<script") || strings.Contains(page, "<img") || strings.Contains(page, "<b>:") {
		t.Error("there is markup of strangers")
	}
	says(t, page, hostile+": "+hostile, "not checked", "<script>x()</script> no (secret) (secret)", `["password" "token" "username"]`)
	if exit != cli.ExitNotRead || !strings.Contains(stderr, "the page is written, and not everything could be looked at: 1 teams, and 0 gaps in the pushes") {
		t.Errorf("exit %d\n%s", exit, stderr)
	}
}

// Whoever swapped user name and token in Vault, and so in the Secret, finds no token on the page, which says what is wrong.
func TestReportShowsNoSwappedToken(t *testing.T) {
	t.Parallel()
	c, _ := newOffice(t)
	const token = "CANARYINPLACEOFTHENAME"
	c.versions["apps/payments/app/ci/quay-robot"] = []*vault.Secret{{Data: vault.Data{"username": secret.New(token), "token": secret.New("team-payments+ci")}, Version: 1, Created: c.quay.Now()}}
	found, err := c.kube.CoreV1().Secrets(shared).Get(t.Context(), "quay-robot-team-payments", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	found.Data = map[string][]byte{corev1.DockerConfigJsonKey: []byte(`{"auths":{"` + c.quay.Host() + `":{"username":"` + token + `","password":"team-payments+ci"}}}`)}
	if _, err := c.kube.CoreV1().Secrets(shared).Update(t.Context(), found, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	_, page, stdout, stderr := c.page("--since", "10m")
	if strings.Contains(page+stdout+stderr, token) {
		t.Error("the token is to be read")
	}
	says(t, page, "it is a name of 22 bytes that is no robot's")
}

// What could not be read is on the page, on stderr and in the exit code; a team that could not be checked is there as such.
func TestReportGaps(t *testing.T) {
	t.Parallel()
	c, _ := newOffice(t)
	c.deny("list", "customruns", true)
	exit, r, stderr := c.runJSON("--since", "10m")
	if exit != cli.ExitNotRead || len(r.NotRead) != 1 || r.Unchecked != 0 || r.Right != 2 || !strings.Contains(stderr, "not read: CustomRuns of all namespaces: ") {
		t.Errorf("exit %d, %+v\n%s", exit, r, stderr)
	}
	_, page, _, _ := c.page("--since", "10m")
	says(t, page, "What could not be looked at", "CustomRuns of all namespaces", "get the right; docs/cli.md lists what the tool needs in the cluster")
}

// Without a team there is a page that says so, and the exit code of verify --all.
func TestReportOfNoTeam(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	exit, page, _, stderr := c.page()
	if exit != cli.ExitMissing || !strings.Contains(stderr, "there was nothing to check") {
		t.Errorf("exit %d\n%s", exit, stderr)
	}
	says(t, page, "No team has an ExternalSecret or is keyless", "Teams whose Secret was made by hand are not listed; only their pushes are.")
}

// The token of Quay is wanted twice, and stdin has it once.
func TestReportWithATokenOnStdin(t *testing.T) {
	t.Parallel()
	c, _ := newOffice(t)
	token := c.oauth
	c.env["QUAY_TOKEN"] = ""
	if exit, page, stderr := c.run(t.Context(), token+"\n", "report", "--html", "-", "--quay-token-file", "-"); exit != cli.ExitOK || strings.Contains(page, token) {
		t.Errorf("exit %d\n%s", exit, stderr)
	}
}

// A run that does not come to its end leaves the page of before, whole, and nothing beside it.
func TestReportReplacesAWholePage(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(c *counter, cancel func()){
		"Quay is away": func(c *counter, _ func()) {
			c.quay.Faults.Add(quaytest.Fault{Times: -1, Effect: quaytest.Status(403, nil, "<html>Request Rejected")})
		},
		"it is ended while it lists runs": func(c *counter, cancel func()) {
			c.tekton.PrependReactor("list", "customruns", func(clienttesting.Action) (bool, runtime.Object, error) {
				cancel()
				return false, nil, nil
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := newOffice(t)
			dir := t.TempDir()
			file := filepath.Join(dir, "report.html")
			if err := os.WriteFile(file, []byte("yesterday's"), 0o600); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			spoil(c, cancel)
			exit, stdout, stderr := c.run(ctx, "", "report", "--html", file)
			left, err := os.ReadDir(dir)
			if data, _ := os.ReadFile(file); err != nil || exit == cli.ExitOK || stdout != "" || string(data) != "yesterday's" || len(left) != 1 {
				t.Errorf("exit %d, %d files, %q %s\n%s", exit, len(left), data, stdout, stderr)
			}
		})
	}
}

// A place for the page that cannot be one is refused before anything is asked.
func TestReportRefusesAPlace(t *testing.T) {
	t.Parallel()
	c, _ := newOffice(t)
	dir := t.TempDir()
	link, real := filepath.Join(dir, "link"), filepath.Join(dir, "real")
	if err := os.WriteFile(real, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	// None of the machine's devices: root's test would put the page in its place if this broke.
	socket := filepath.Join(dir, "socket")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	c.quay.ForgetRequests()
	for name, row := range map[string]struct {
		args []string
		exit cli.Exit
		says string
	}{
		"none":         {nil, cli.ExitUsage, "next: name the file, such as --html report.html"},
		"a directory":  {[]string{"--html", dir}, cli.ExitUsage, "is no regular file"},
		"a link":       {[]string{"--html", link}, cli.ExitUsage, "next: name the file itself, or - for stdout"},
		"a socket":     {[]string{"--html", socket}, cli.ExitUsage, "is no regular file"},
		"no directory": {[]string{"--html", filepath.Join(dir, "none", "report.html")}, cli.ExitUsage, "next: make it, or name a file in another one"},
		"below a file": {[]string{"--html", filepath.Join(real, "report.html")}, cli.ExitUsage, "not a directory"},
		"both":         {[]string{"--html", "-", "-o", "json"}, cli.ExitUsage, "both write to stdout"},
		"a time":       {[]string{"--html", "-", "--since", "tomorrow"}, cli.ExitUsage, "neither a time nor a duration"},
		"wide":         {[]string{"--html", real, "-o", "wide"}, cli.ExitUsage, "--output is \"wide\""},
	} {
		exit, stdout, stderr := c.run(t.Context(), "", append([]string{"report"}, row.args...)...)
		if exit != row.exit || !strings.Contains(stderr, row.says) || stdout != "" {
			t.Errorf("%s: exit %d\n%s", name, exit, stderr)
		}
	}
	if n := len(c.quay.Requests()); n > 0 {
		t.Errorf("Quay was asked %d times", n)
	}
	if exit, stdout, _ := c.run(t.Context(), "", "report", "--html", real); exit != cli.ExitOK || !strings.HasPrefix(stdout, "wrote "+real) {
		t.Errorf("the file itself: exit %d", exit)
	}
}

// It changes nothing: of Quay, Vault and the cluster it only reads.
func TestReportOnlyLooks(t *testing.T) {
	t.Parallel()
	c, _ := newOffice(t)
	c.kube.ClearActions()
	c.dynamic.ClearActions()
	c.tekton.ClearActions()
	c.quay.ForgetRequests()
	c.must("report", "--html", "-")
	for _, actions := range [][]clienttesting.Action{c.kube.Actions(), c.dynamic.Actions(), c.tekton.Actions()} {
		for _, a := range actions {
			if !slices.Contains([]string{"get", "list"}, a.GetVerb()) {
				t.Errorf("it does %s %s", a.GetVerb(), a.GetResource().Resource)
			}
		}
	}
	for _, r := range c.quay.Requests() {
		if r.Method != "GET" {
			t.Errorf("it sends %s %s", r.Method, r.Path)
		}
	}
}
