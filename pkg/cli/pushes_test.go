package cli_test

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"
	"knative.dev/pkg/apis"
	duckv1 "knative.dev/pkg/apis/duck/v1"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/cli"
	"github.com/comptech-lab/quay-push/pkg/gitops/gitopstest"
	"github.com/comptech-lab/quay-push/pkg/reference"
)

// checkout is the namespace of team payments, intruder that of team platform.
const checkout, intruder = "apps-payments-checkout", "apps-platform"

// counter is a shelf with runs. An hour has gone by since it was made.
type counter struct{ *shelf }

func newCounter(t *testing.T) *counter {
	t.Helper()
	s := newShelf(t)
	for name, team := range map[string]string{checkout: "payments", intruder: "platform"} {
		if err := s.kube.Tracker().Add(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"apps.platform/team": team}}}); err != nil {
			t.Fatal(err)
		}
	}
	s.quay.Advance(time.Hour)
	return &counter{s}
}

// object is a run that ended now, of PipelineRun build if that is named.
func (c *counter) object(namespace, name, build string) metav1.ObjectMeta {
	meta := metav1.ObjectMeta{Namespace: namespace, Name: name, CreationTimestamp: metav1.NewTime(c.quay.Now().Add(-time.Minute))}
	if build != "" {
		meta.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(&metav1.ObjectMeta{Name: build, UID: "1"}, pipelinev1.SchemeGroupVersion.WithKind("PipelineRun"))}
	}
	return meta
}

// condition is how a run ended: well where there is no reason.
func ended(reason, message string) duckv1.Conditions {
	if reason == "" {
		return duckv1.Conditions{{Type: apis.ConditionSucceeded, Status: corev1.ConditionTrue, Reason: "Succeeded", Message: message}}
	}
	return duckv1.Conditions{{Type: apis.ConditionSucceeded, Status: corev1.ConditionFalse, Reason: reason, Message: message}}
}

// customRun adds a CustomRun that ended now. Params and results are name=value.
func (c *counter) customRun(kind, namespace, build string, ends duckv1.Conditions, extra string, params, results []string, change ...func(*v1beta1.CustomRun)) {
	c.Helper()
	now := metav1.NewTime(c.quay.Now())
	run := &v1beta1.CustomRun{ObjectMeta: c.object(namespace, build+"-"+strings.ToLower(kind), build),
		Spec: v1beta1.CustomRunSpec{CustomRef: &v1beta1.TaskRef{APIVersion: "quay.comptech-lab.com/v1alpha1", Kind: v1beta1.TaskKind(kind)}}}
	for _, p := range params {
		name, value, _ := strings.Cut(p, "=")
		run.Spec.Params = append(run.Spec.Params, v1beta1.Param{Name: name, Value: *v1beta1.NewStructuredValues(value)})
	}
	for _, r := range results {
		name, value, _ := strings.Cut(r, "=")
		run.Status.Results = append(run.Status.Results, v1beta1.CustomRunResult{Name: name, Value: value})
	}
	run.Status.Conditions, run.Status.CompletionTime = ends, &now
	run.Status.ExtraFields.Raw = []byte(extra)
	for _, f := range change {
		f(run)
	}
	if err := c.tekton.Tracker().Add(run); err != nil {
		c.Fatal(err)
	}
}

// taskRun adds a TaskRun of the Task push-image-quay that a pipeline made itself.
func (c *counter) taskRun(namespace, build string, ends duckv1.Conditions, params, results []string) {
	c.Helper()
	now := metav1.NewTime(c.quay.Now())
	run := &pipelinev1.TaskRun{ObjectMeta: c.object(namespace, build+"-own", build)}
	for _, p := range params {
		name, value, _ := strings.Cut(p, "=")
		run.Spec.Params = append(run.Spec.Params, pipelinev1.Param{Name: name, Value: *pipelinev1.NewStructuredValues(value)})
	}
	for _, r := range results {
		name, value, _ := strings.Cut(r, "=")
		run.Status.Results = append(run.Status.Results, pipelinev1.TaskRunResult{Name: name, Value: *pipelinev1.NewStructuredValues(value)})
	}
	run.Status.Conditions, run.Status.CompletionTime = ends, &now
	if err := c.tekton.Tracker().Add(run); err != nil {
		c.Fatal(err)
	}
}

// image is a repository as runs name it.
func (c *counter) image(repository string) string { return c.quay.Host() + "/" + repository }

// told are the results of a push of a digest to app of team payments.
func (c *counter) told(digest, bytes string) []string {
	image := c.image("team-payments/app")
	return []string{"image-ref=" + image, "IMAGE_DIGEST=" + digest, "image-pinned=" + image + "@" + digest, "pushed-bytes=" + bytes}
}

// pushed is the result of pushes as a program reads it.
type pushed struct {
	APIVersion, Kind string
	Since, Until     time.Time
	Pushes           []pushedOne
	NotRead          []struct{ What, Problem, Next string }
}

type pushedOne struct {
	Time                                                                 time.Time
	Team, Namespace, Run, Who, Repository, Digest, Rule, Refused, Source string
	Bytes                                                                *int64
	Pinned                                                               []string
}

// pushes runs it and reads its JSON.
func (c *counter) pushes(args ...string) (exit cli.Exit, r pushed, stderr string) {
	c.Helper()
	exit, out, stderr := c.run(c.Context(), "", append([]string{"pushes", "-o", "json"}, args...)...)
	if out != "" {
		if err := json.Unmarshal([]byte(out), &r); err != nil {
			c.Fatalf("%v\n%s", err, out)
		}
	}
	if strings.Contains(out+stderr, gitopstest.Password) {
		c.Error("the password of Git is in the output")
	}
	return exit, r, stderr
}

// git are the flags for the GitOps repository.
func (c *counter) gitArgs() []string {
	at := slices.Index(c.args, "--gitops")
	return c.args[at : at+5]
}

// day is a day of everything: a push, one that sent nothing, one of a pipeline's own task, one by hand, two refusals, and what is none.
func (c *counter) day() (digests map[string]string) {
	c.Helper()
	digests = map[string]string{}
	app := c.image("team-payments/app")
	decided := `{"team":"payments","rule":"namespace-label","taskRun":{"name":"x","uid":"1"}}`
	c.quay.Advance(time.Minute)
	digests["first"] = c.push("team-payments")
	c.customRun("PushImage", checkout, "build-1", ended("", "pushed"), decided, []string{"image-ref=" + app, "tag=v1"}, c.told(digests["first"], "52428800"))
	c.quay.Advance(time.Minute)
	digests["by hand"] = c.push("team-payments")
	c.quay.Advance(time.Minute)
	c.customRun("PushImage", checkout, "build-2", ended("ImageOutsideOrganization", "not \x1b[2Jyours\nnext\u202e: payments"), "", []string{"image-ref=" + c.image("team-platform/app")}, nil)
	c.quay.Advance(4 * time.Minute)
	c.customRun("ResolveTenant", checkout, "build-3", ended("", "team payments"), "", nil, []string{"team=payments"})
	c.taskRun(checkout, "build-3", ended("", "done"), []string{"image-ref=" + app}, c.told(digests["first"], "0"))
	c.quay.Advance(time.Minute)
	c.taskRun(checkout, "build-4", ended("Failed", "exit code 20"), []string{"image-ref=" + app}, []string{"failure=unauthorized (QP201): no"})
	c.quay.Advance(time.Minute)
	// What is none: a run that goes on, a custom task of others, a build, another team's.
	c.customRun("PushImage", checkout, "build-5", duckv1.Conditions{{Type: apis.ConditionSucceeded, Status: corev1.ConditionUnknown}}, decided, nil, nil,
		func(run *v1beta1.CustomRun) { run.Status.CompletionTime = nil })
	c.customRun("Approval", checkout, "build-6", ended("Rejected", "by anna"), "", nil, nil, func(run *v1beta1.CustomRun) { run.Spec.CustomRef.APIVersion = "approvals/v1" })
	c.taskRun(checkout, "build-7", ended("", ""), nil, []string{"IMAGE_DIGEST=" + digests["first"]})
	c.customRun("PushImage", intruder, "build-8", ended("NoTenant", "no"), "", nil, nil)
	return digests
}

func TestPushes(t *testing.T) {
	c := newCounter(t)
	start := c.quay.Now().Truncate(time.Second).UTC()
	digests := c.day()
	c.git.Branch("ci/dev/x", "main")
	c.git.Commit("main", "bump", map[string]string{"apps/payments/checkout/overlays/dev/kustomization.yaml": gitopstest.Kustomization("checkout", digests["first"])})
	exit, r, stderr := c.pushes(append([]string{"team-payments", "--since", "10m"}, c.gitArgs()...)...)
	if exit != cli.ExitOK || r.APIVersion != "cli.quay.comptech-lab.com/v1alpha1" || r.Kind != "PushList" || len(r.NotRead) > 0 || r.Until.Sub(r.Since) != 10*time.Minute {
		t.Fatalf("exit %d, %+v\n%s", exit, r, stderr)
	}
	at := func(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute) }
	bytes := func(n int64) *int64 { return &n }
	app, main := c.image("team-payments/app"), []string{"branch main of gitops.git"}
	want := []pushedOne{
		{Time: at(8), Team: "payments", Namespace: checkout, Run: "build-4", Repository: app, Refused: "Failed: exit code 20", Source: "task"},
		{Time: at(7), Team: "payments", Namespace: checkout, Run: "build-3", Repository: app, Digest: digests["first"], Bytes: bytes(0), Pinned: main, Source: "task"},
		{Time: at(3), Team: "payments", Namespace: checkout, Run: "build-2", Repository: c.image("team-platform/app"),
			Refused: "ImageOutsideOrganization: not \x1b[2Jyours\nnext\u202e: payments", Source: "controller"},
		{Time: at(2), Team: "payments", Who: "team-payments+pusher", Repository: app, Digest: digests["by hand"], Pinned: []string{}, Source: "quay"},
		{Time: at(1), Team: "payments", Namespace: checkout, Run: "build-1", Who: "team-payments+pusher", Repository: app, Digest: digests["first"],
			Bytes: bytes(52428800), Rule: "namespace-label", Pinned: main, Source: "controller"},
	}
	// The clock of the scene goes on.
	if diff := cmp.Diff(want, r.Pushes, cmpopts.EquateApproxTime(30*time.Second)); diff != "" {
		t.Errorf("pushes (-want +got):\n%s", diff)
	}

	// Of all teams there is that of the other, too; in less time less.
	if _, r, _ := c.pushes("--since", "10m"); len(r.Pushes) != 6 || r.Pushes[0].Team != "platform" || r.Pushes[0].Refused != "NoTenant: no" || r.Pushes[1].Pinned != nil {
		t.Errorf("of all teams: %+v", r.Pushes)
	}
	if _, r, _ := c.pushes("payments", "--since", "390s"); len(r.Pushes) != 3 {
		t.Errorf("in the last minutes: %+v", r.Pushes)
	}
	// A push whose run was deleted is known by Quay.
	if err := c.tekton.TektonV1beta1().CustomRuns(checkout).Delete(t.Context(), "build-1-pushimage", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	_, r, _ = c.pushes("payments", "--since", "10m")
	last := r.Pushes[len(r.Pushes)-1]
	if diff := cmp.Diff(pushedOne{Time: at(1), Team: "payments", Who: "team-payments+pusher", Repository: app, Digest: digests["first"], Source: "quay"}, last, cmpopts.EquateApproxTime(30*time.Second)); diff != "" {
		t.Errorf("after its run was deleted (-want +got):\n%s", diff)
	}
}

// What people see: unknown is "-" and nothing sent is 0, words of strangers stay on their line, wide has everything.
func TestPushesTable(t *testing.T) {
	c := newCounter(t)
	digests := c.day()
	c.customRun("PushImage", checkout, "build-9", ended("SecretMissing", strings.Repeat("long ", 100)), "", nil, nil)
	table := c.must("pushes", "payments", "--since", "10m")
	lines := strings.Split(strings.TrimSpace(table), "\n")
	if len(lines) != 8 || lines[7][:29] != "3 pushes, 3 refused or failed" || strings.Contains(table, "PINNED") || strings.Contains(table, "SOURCE") {
		t.Fatalf("it is\n%s", table)
	}
	short := digests["first"][:len("sha256:")+12]
	for _, part := range []string{"  " + short + "  52428800  namespace-label  pushed\n", "  " + short + "  0         -                pushed\n",
		"  -                -         team-payments+pusher", "ImageOutsideOrganization: not  [2Jyours next : payments\n", "…\n"} {
		if part = strings.TrimPrefix(part, "  -                -         "); !strings.Contains(table, part) {
			t.Errorf("it has no %q:\n%s", part, table)
		}
	}
	for _, r := range table {
		if r < ' ' && r != '\n' || r == '\u202e' {
			t.Errorf("it has %q", r)
		}
	}
	wide := c.must(append([]string{"pushes", "payments", "--since", "10m", "-o", "wide"}, c.gitArgs()...)...)
	for _, part := range []string{digests["first"] + "  52428800  namespace-label  -       controller  pushed\n", strings.Repeat("long ", 99), "  PINNED  SOURCE      OUTCOME\n"} {
		if !strings.Contains(wide, part) {
			t.Errorf("wide has no %q:\n%s", part, wide)
		}
	}
}

// deny has the API server refuse a verb on a resource, in all namespaces at once only if everywhere is false.
func (c *counter) deny(verb, resource string, everywhere bool) {
	deny := func(a clienttesting.Action) (bool, runtime.Object, error) {
		if !everywhere && a.GetNamespace() != "" {
			return false, nil, nil
		}
		return true, nil, apierrs.NewForbidden(corev1.Resource(resource), "", fmt.Errorf("no right to %s", verb))
	}
	c.tekton.PrependReactor(verb, resource, deny)
	c.kube.PrependReactor(verb, resource, deny)
	c.dynamic.PrependReactor(verb, resource, deny)
}

// elsewhere has the GitOps repository name files that are not in it: one in Git LFS, and a submodule.
func (c *counter) elsewhere() {
	c.Helper()
	c.git.Commit("main", "elsewhere", map[string]string{"apps/payments/values.yaml": "version https://git-lfs.github.com/spec/v1\noid sha256:" + strings.Repeat("7", 64) + "\nsize 4242\n"})
	c.git.Import(func(w io.Writer) {
		gitopstest.WriteCommit(w, c.quay.Now(), "x", "", map[string]string{"notes.md": "none"})
		fmt.Fprintf(w, "M 160000 %s apps/payments/lib\n", strings.Repeat("1", 40))
	})
}

// A source that cannot be read is told, and what the others know is listed; the exit code is its own only where nothing was found.
func TestPushesGaps(t *testing.T) {
	for name, row := range map[string]struct {
		spoil  func(c *counter)
		args   []string
		exit   cli.Exit
		pushes int
		says   string
	}{
		"CustomRuns": {func(c *counter) { c.deny("list", "customruns", true) }, []string{"payments"}, cli.ExitOK, 4, "not read: CustomRuns of all namespaces: "},
		"TaskRuns":   {func(c *counter) { c.deny("list", "taskruns", true) }, []string{"payments"}, cli.ExitOK, 3, "not read: TaskRuns of all namespaces: "},
		"namespaces": {func(c *counter) { c.deny("list", "namespaces", true) }, []string{"payments"}, cli.ExitOK, 3, "not read: whose the namespaces are: "},
		"no token": {func(c *counter) { c.env["QUAY_TOKEN"] = "" }, []string{"payments"}, cli.ExitOK, 4,
			"not read: Quay's log: there is no OAuth token of Quay; set QUAY_TOKEN, or name a file with --quay-token-file\n"},
		"a token that Quay does not take": {func(c *counter) { c.quay.RevokeOAuthTokens() }, []string{"payments"}, cli.ExitOK, 4, `not read: Quay's log of "team-payments": `},
		"one team's log of two": {func(c *counter) {
			c.oauth = c.quay.AddOAuthToken([]quaytest.Scope{quaytest.OrgAdmin, quaytest.RepoAdmin}, "team-payments")
		}, nil, cli.ExitOK, 6,
			`not read: Quay's log of "team-platform": `},
		"Git":     {func(c *counter) { c.git.HTTP.Close() }, []string{"payments", "GITOPS"}, cli.ExitOK, 5, "not read: "},
		"Git LFS": {func(c *counter) { c.elsewhere() }, []string{"payments", "GITOPS"}, cli.ExitOK, 5, "give --ignore-lfs"},
		"a submodule": {func(c *counter) { c.elsewhere() }, []string{"payments", "GITOPS", "--ignore-lfs"}, cli.ExitOK, 5,
			"give --ignore-submodules"},
		"neither matters": {func(c *counter) { c.elsewhere() }, []string{"payments", "GITOPS", "--ignore-lfs", "--ignore-submodules"},
			cli.ExitOK, 5, ""},
		"nothing at all": {func(c *counter) {
			c.deny("list", "customruns", true)
			c.deny("list", "taskruns", true)
			c.env["QUAY_TOKEN"] = ""
		}, []string{"payments"}, cli.ExitNotRead, 0, "not read: Quay's log: "},
		"nothing, and all was read": {func(*counter) {}, []string{"platform", "--since", "1s"}, cli.ExitOK, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCounter(t)
			c.day()
			args := append([]string{"--since", "10m"}, row.args...)
			if at := slices.Index(args, "GITOPS"); at > 0 {
				args = slices.Replace(args, at, at+1, c.gitArgs()...)
			}
			row.spoil(c)
			if row.args == nil {
				args = args[:2]
			}
			c.quay.Advance(2 * time.Second)
			exit, r, stderr := c.pushes(args...)
			if exit != row.exit || len(r.Pushes) != row.pushes || r.Pushes == nil {
				t.Errorf("exit %d, %d pushes\n%s%+v", exit, len(r.Pushes), stderr, r.Pushes)
			}
			if !strings.Contains(stderr, row.says) || (row.says != "") != (len(r.NotRead) > 0) || row.says == "" && strings.Contains(stderr, "not read") {
				t.Errorf("it tells %+v\n%s", r.NotRead, stderr)
			}
		})
	}
}

// A member of a team who may read one namespace alone, and has no token of Quay's, sees what is there.
func TestPushesOfOneNamespace(t *testing.T) {
	c := newCounter(t)
	c.day()
	c.env["QUAY_TOKEN"] = ""
	for _, resource := range []string{"customruns", "taskruns", "namespaces", "externalsecrets"} {
		c.deny("list", resource, false)
	}
	exit, r, stderr := c.pushes("payments", "--since", "10m", "-n", checkout)
	if exit != cli.ExitOK || len(r.Pushes) != 4 || len(r.NotRead) != 1 || r.NotRead[0].What != "Quay's log" {
		t.Errorf("exit %d, %d pushes, %+v\n%s", exit, len(r.Pushes), r.NotRead, stderr)
	}
	// Without the right to read the namespace it is not known whose a refusal is that names no team: of that it is told.
	c.deny("get", "namespaces", true)
	_, r, _ = c.pushes("payments", "--since", "10m", "-n", checkout)
	if len(r.Pushes) != 2 || len(r.NotRead) != 2 || r.NotRead[0].What != `whose namespace "apps-payments-checkout" is` {
		t.Errorf("%d pushes, %+v", len(r.Pushes), r.NotRead)
	}
	// Who may list no more is told how.
	_, _, stderr = c.pushes("payments", "--since", "10m")
	if !strings.Contains(stderr, "name the namespaces that you may read with -n") {
		t.Errorf("it tells\n%s", stderr)
	}
}

// A TaskRun that another team wrote, with the results of a push that it did not do, explains nothing in Quay's log.
func TestPushesAreNotClaimedByOthers(t *testing.T) {
	c := newCounter(t)
	digest := c.push("team-payments")
	app := c.image("team-payments/app")
	c.taskRun(intruder, "claim", ended("", "done"), []string{"image-ref=" + app, "tag=" + reference.Anchor(digest)}, c.told(digest, "1"))
	c.taskRun(shared, "nobody", ended("", "done"), []string{"image-ref=" + app, "tag=" + reference.Anchor(digest)}, c.told(digest, "1"))
	// Its labels are its own to write, and in the team's own namespace they say nothing.
	c.customRun("PushImage", intruder, "refused", ended("TenantConflict", "no"), "", nil, nil, func(run *v1beta1.CustomRun) {
		run.Labels = map[string]string{"apps.platform/team": "payments"}
	})
	_, r, _ := c.pushes("payments", "--since", "10m")
	if len(r.Pushes) != 1 || r.Pushes[0].Source != "quay" || r.Pushes[0].Who != "team-payments+pusher" {
		t.Errorf("the team's are %+v", r.Pushes)
	}
	_, r, _ = c.pushes("platform", "--since", "10m")
	if len(r.Pushes) != 2 || r.Pushes[0].Refused == "" || r.Pushes[1].Refused == "" {
		t.Errorf("the other's are %+v", r.Pushes)
	}
}

// In a shared namespace a refused run is listed with the team that it claims to be of.
func TestPushesRefusedInASharedNamespace(t *testing.T) {
	c := newCounter(t)
	for build, team := range map[string]string{"one": "payments", "two": "platform", "three": "Not a team", "four": "nosuch"} {
		c.customRun("PushImage", shared, build, ended("PolicyMissing", "no"), "", nil, nil, func(run *v1beta1.CustomRun) { run.Labels = map[string]string{"apps.platform/team": team} })
	}
	if _, r, _ := c.pushes("payments", "--since", "10m"); len(r.Pushes) != 1 || r.Pushes[0].Run != "one" {
		t.Errorf("the team's are %+v", r.Pushes)
	}
	// Quay is asked about no team that somebody made up.
	if _, r, _ := c.pushes("--since", "10m"); len(r.Pushes) != 4 || len(r.NotRead) > 0 {
		t.Errorf("all are %+v, not read %+v", r.Pushes, r.NotRead)
	}
}

// Whatever a stranger writes, it is shown on its line.
func TestPushesHostile(t *testing.T) {
	c := newCounter(t)
	texts := []string{"a\nb", "\x1b]0;x\x07", "a\r\tb", "\u202etxt.exe", "\x00", strings.Repeat("x", 5000), "\u0085\u009b31m"}
	for i, text := range texts {
		c.customRun("PushImage", checkout, fmt.Sprint("x", i), ended("NoTenant", text), "", []string{"image-ref=" + text}, nil)
	}
	out := c.must("pushes", "payments", "--since", "10m", "-o", "wide")
	if n := strings.Count(out, "\n"); n != len(texts)+2 || strings.ContainsAny(out, "\x1b\r\t\x00\x07\u202e\u0085\u009b") {
		t.Errorf("%d lines: %q", n, out)
	}
}

func TestPushesUsage(t *testing.T) {
	c := newCounter(t)
	for line, says := range map[string]string{
		"pushes payments --since yesterday":                     "neither a time nor a duration",
		"pushes payments --since=":                              "--since is missing",
		"pushes payments platform":                              "unknown argument",
		"pushes Not_A_Team":                                     "correct the name",
		"pushes payments --gitops http://git.example.com/x.git": "has no TLS",
		"pushes payments --gitops ftp://git.example.com/x.git":  "--gitops",
		"verify payments --output wide":                         "use table, json or yaml",
		"pushes payments -o wider":                              "use table, wide, json or yaml",
	} {
		exit, out, stderr := c.run(t.Context(), "", strings.Fields(line)...)
		if exit == cli.ExitOK || out != "" || !strings.Contains(stderr, says) {
			t.Errorf("%s: exit %d\n%s%s", line, exit, out, stderr)
		}
	}
}
