package cli_test

import (
	"cmp"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clienttesting "k8s.io/client-go/testing"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/cli"
	"github.com/comptech-lab/quay-push/pkg/gitops/gitopstest"
	"github.com/comptech-lab/quay-push/pkg/reference"
)

// retained is the result of retention gc as a program reads it.
type retained struct {
	APIVersion, Kind      string
	DryRun                bool
	LetGo, Kept, NotLetGo int
	Anchors               []struct{ Repository, Tag, Digest, Outcome, Why string }
	NotLookedAt           []struct {
		What, Organization, Repository, Problem string
		Ignored                                 bool
	}
	Warnings []string
}

// outcomes are those of the anchors, by digest.
func (r retained) outcomes() map[string]string {
	found := map[string]string{}
	for _, a := range r.Anchors {
		found[a.Digest] = a.Outcome
	}
	return found
}

// shelf is a world with images that were pushed 40 days ago, by what they are called here, and a GitOps repository.
type shelf struct {
	*world
	git     *gitopstest.Server
	args    []string
	digests map[string]string
}

// newShelf has the digests a to d in team-payments/app, and e in team-platform/app, each with an anchor alone.
func newShelf(t *testing.T) *shelf {
	t.Helper()
	w := newWorld(t)
	s := &shelf{world: w, digests: map[string]string{}}
	for _, org := range []string{"team-payments", "team-platform"} {
		w.quay.AddRobot(org, "pusher")
		w.quay.Grant(org+"/app", org+"+pusher", quaytest.Write)
		w.quay.AddImmutability(org, reference.AnchorPattern, true)
	}
	for _, letter := range []string{"a", "b", "c", "d"} {
		s.digests[letter] = s.push("team-payments")
	}
	s.digests["e"] = s.push("team-platform")
	w.quay.Advance(40 * 24 * time.Hour)
	files := gitopstest.App("checkout")
	// It names an image of each, as the right one does.
	files["notes.md"] = s.pushAs("team-payments", "v1") + s.pushAs("team-platform", "v1")
	s.git = gitopstest.Start(t, files)
	dir := t.TempDir()
	for name, text := range map[string]string{"username": gitopstest.Username, "password": gitopstest.Password} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.args = []string{"retention", "gc", "payments", "platform", "--gitops", s.git.URL(), "--git-credential-dir", dir, "--git-plain-http", "--rate", "5000", "-o", "json"}
	return s
}

// push pushes an image to its anchor, and returns its digest.
func (s *shelf) push(org string) string { return s.pushAs(org, "") }

// pushAs pushes an image to a tag, or where that is empty to its anchor, and returns its digest.
func (s *shelf) pushAs(org, tag string) string {
	s.Helper()
	made, err := random.Image(16, 1)
	if err != nil {
		s.Fatal(err)
	}
	digest, err := made.Digest()
	if err != nil {
		s.Fatal(err)
	}
	to, err := name.NewTag(s.quay.Host() + "/" + org + "/app:" + cmp.Or(tag, reference.Anchor(digest.String())))
	if err != nil {
		s.Fatal(err)
	}
	robot := org + "+pusher"
	if err := remote.Write(to, made, remote.WithContext(s.Context()), remote.WithTransport(s.quay.Client().Transport),
		remote.WithAuth(&authn.Basic{Username: robot, Password: s.quay.RobotToken(robot)})); err != nil {
		s.Fatal(err)
	}
	return digest.String()
}

// pod adds a Pod.
func (s *shelf) pod(w *world, name string, change func(*corev1.Pod)) {
	s.Helper()
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "apps-payments", Name: name}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "x:main"}}}}
	change(pod)
	if _, err := w.kube.CoreV1().Pods(pod.Namespace).Create(s.Context(), pod, metav1.CreateOptions{}); err != nil {
		s.Fatal(err)
	}
}

// gc runs it.
func (s *shelf) gc(args ...string) (exit cli.Exit, r retained, stderr string) {
	s.Helper()
	exit, out, stderr := s.run(s.Context(), "", append(slices.Clone(s.args), args...)...)
	if out != "" {
		if err := json.Unmarshal([]byte(out), &r); err != nil {
			s.Fatalf("%v\n%s", err, out)
		}
	}
	if strings.Contains(out+stderr, gitopstest.Password) {
		s.Error("the password of Git is in the output")
	}
	return exit, r, stderr
}

// left are the digests that can be pulled.
func (s *shelf) left() string {
	var left []string
	for letter, digest := range s.digests {
		for _, org := range []string{"team-payments", "team-platform"} {
			if _, _, ok := s.quay.Manifest(org+"/app", digest); ok {
				left = append(left, letter)
			}
		}
	}
	slices.Sort(left)
	return strings.Join(left, "")
}

// What a branch has, what a Pod names, what it runs, and what the Pod of another cluster does stays; the rest goes, once it is not a dry run.
func TestRetentionGC(t *testing.T) {
	s := newShelf(t)
	s.clusters = map[string]*world{"west": newWorld(t)}
	s.git.Branch("ci/dev/x", "main")
	s.git.Commit("ci/dev/x", "bump", map[string]string{"apps/payments/checkout/overlays/dev/kustomization.yaml": gitopstest.Kustomization("checkout", s.digests["a"])})
	s.pod(s.world, "one", func(p *corev1.Pod) {
		p.Status.InitContainerStatuses = []corev1.ContainerStatus{{ImageID: s.quay.Host() + "/team-payments/app@" + s.digests["b"]}}
	})
	s.pod(s.clusters["west"], "two", func(p *corev1.Pod) {
		p.Spec.Volumes = []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{Image: &corev1.ImageVolumeSource{Reference: "mirror.example.com/x@" + s.digests["c"]}}}}
	})
	want := map[string]string{s.digests["a"]: "kept", s.digests["b"]: "kept", s.digests["c"]: "kept", s.digests["d"]: "let-go", s.digests["e"]: "let-go"}
	check := func(r retained, dry bool) {
		t.Helper()
		got := r.outcomes()
		for letter, digest := range s.digests {
			if got[digest] != want[digest] {
				t.Errorf("%s: %s", letter, got[digest])
			}
		}
		if r.Kind != "AnchorCollection" || r.DryRun != dry || r.LetGo != 2 || r.Kept != 3 || r.NotLetGo != 0 || r.NotLookedAt == nil || len(r.NotLookedAt) != 0 {
			t.Errorf("%+v", r)
		}
	}
	exit, r, stderr := s.gc("--dry-run", "-c", "east", "-c", "west")
	if check(r, true); exit != cli.ExitOK || s.left() != "abcde" {
		t.Fatalf("exit %d, left %s\n%s", exit, s.left(), stderr)
	}
	if exit, _, stderr := s.gc("-c", "east", "-c", "west"); exit != cli.ExitUsage || s.left() != "abcde" || !strings.Contains(stderr, "--dry-run, then repeat it with --yes") {
		t.Fatalf("without --yes: exit %d, left %s\n%s", exit, s.left(), stderr)
	}
	_, table, _ := s.run(t.Context(), "", append(slices.Clone(s.args), "--dry-run", "-c", "east", "-c", "west", "-o", "table")...)
	for _, text := range []string{"would go", "branch ci/dev/x of gitops.git", "Pod apps-payments/one in cluster east", "Pod apps-payments/two in cluster west", "nothing has needed it since ", "2 anchors would be let go, 3 stay\n"} {
		if !strings.Contains(table, text) {
			t.Errorf("the table lacks %q:\n%s", text, table)
		}
	}
	exit, r, stderr = s.gc("--yes", "-c", "east", "-c", "west")
	if check(r, false); exit != cli.ExitOK || s.left() != "abc" {
		t.Fatalf("exit %d, left %s\n%s", exit, s.left(), stderr)
	}
	// What is left is as immutable as it was.
	for letter, digest := range s.digests {
		if tags := s.quay.Tags("team-payments/app"); letter < "d" && tags[reference.Anchor(digest)] != digest {
			t.Errorf("%s has the tags %v", letter, tags)
		}
	}
	if exit, r, stderr = s.gc("--yes", "-c", "east", "-c", "west"); exit != cli.ExitOK || r.LetGo != 0 || r.Kept != 3 {
		t.Errorf("again: exit %d, %+v\n%s", exit, r, stderr)
	}
}

// What makes Pods needs what they would run, though there is none now.
func TestRetentionGCWithoutPods(t *testing.T) {
	s := newShelf(t)
	meta := metav1.ObjectMeta{Namespace: "apps-payments", Name: "x"}
	template := func(letter string) corev1.PodTemplateSpec {
		return corev1.PodTemplateSpec{Spec: corev1.PodSpec{InitContainers: []corev1.Container{{Name: "app", Image: "x@" + s.digests[letter]}}}}
	}
	none, history := int32(0), meta
	history.Annotations = map[string]string{"kubectl.kubernetes.io/last-applied-configuration": "x@" + s.digests["e"]}
	_, err := s.kube.AppsV1().Deployments(meta.Namespace).Create(t.Context(), &appsv1.Deployment{ObjectMeta: history, Spec: appsv1.DeploymentSpec{Replicas: &none, Template: template("a")}}, metav1.CreateOptions{})
	if err == nil {
		_, err = s.kube.BatchV1().CronJobs(meta.Namespace).Create(t.Context(), &batchv1.CronJob{ObjectMeta: meta, Spec: batchv1.CronJobSpec{JobTemplate: batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{Template: template("b")}}}}, metav1.CreateOptions{})
	}
	if err == nil {
		_, err = s.kube.AppsV1().StatefulSets(meta.Namespace).Create(t.Context(), &appsv1.StatefulSet{ObjectMeta: meta, Spec: appsv1.StatefulSetSpec{Replicas: &none, Template: template("c")}}, metav1.CreateOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
	if exit, r, stderr := s.gc("--yes"); exit != cli.ExitOK || s.left() != "abc" {
		t.Errorf("exit %d, left %s, %+v\n%s", exit, s.left(), r, stderr)
	}
	for _, kind := range []string{"deployments", "statefulsets", "daemonsets", "cronjobs", "jobs"} {
		s := newShelf(t)
		s.kube.PrependReactor("list", kind, func(clienttesting.Action) (bool, runtime.Object, error) {
			return true, nil, apierrs.NewForbidden(schema.GroupResource{Resource: kind}, "", nil)
		})
		if exit, _, stderr := s.gc("--yes"); exit != cli.ExitNoRight || s.left() != "abcde" {
			t.Errorf("%s may not be read: exit %d, left %s\n%s", kind, exit, s.left(), stderr)
		}
	}
}

// What could not be looked up keeps what it may need, and the exit code says so.
func TestRetentionGCLost(t *testing.T) {
	for title, test := range map[string]struct {
		do         func(s *shelf)
		args       []string
		exit       cli.Exit
		left       string
		what, next string
	}{
		"nothing is lost":   {exit: cli.ExitOK, left: ""},
		"a cluster is away": {args: []string{"-c", "east", "-c", "north"}, exit: cli.ExitFindings, left: "abcde", what: "Pods in cluster north"},
		"Pods may not be read": {do: func(s *shelf) {
			s.kube.PrependReactor("list", "pods", func(clienttesting.Action) (bool, runtime.Object, error) {
				return true, nil, apierrs.NewForbidden(schema.GroupResource{Resource: "pods"}, "", nil)
			})
		}, exit: cli.ExitNoRight, left: "abcde", what: "Pods in cluster east", next: "get the right"},
		"Git is away":       {do: func(s *shelf) { s.answer("GET", 503) }, exit: cli.ExitFindings, left: "abcde", what: "/gitops.git", next: "see whether --gitops is right"},
		"Git sends no pack": {do: func(s *shelf) { s.answer("POST", 500) }, exit: cli.ExitFindings, left: "abcde", what: "/gitops.git"},
		"a broken overlay": {do: func(s *shelf) {
			s.git.Branch("broken", "main")
			s.git.Commit("broken", "x", map[string]string{"apps/payments/checkout/overlays/stg/kustomization.yaml": "{"})
		}, exit: cli.ExitFindings, left: "abcd", what: `apps/payments/checkout/overlays/stg on branch broken of gitops.git`, next: "correct the field there"},
		"a broken overlay of nobody": {do: func(s *shelf) {
			s.git.Commit("main", "x", map[string]string{"apps/No_Team/checkout/overlays/stg/kustomization.yaml": "{"})
		}, exit: cli.ExitFindings, left: "abcde", what: "apps/No_Team/checkout/overlays/stg"},
		"tags of a repository": {do: func(s *shelf) { s.fail("GET", "team-payments/app/tag/$") }, exit: cli.ExitFindings, left: "abcd", what: "repository team-payments/app", next: "see what Quay's own log says"},
		"repositories":         {do: func(s *shelf) { s.fail("GET", "/api/v1/repository$") }, exit: cli.ExitFindings, left: "abcde", what: "organization team-payments"},
		"another repository": {do: func(s *shelf) {
			s.git.Commit("main", "x", map[string]string{"notes.md": "none"})
			gitopstest.Git(s, s.git.Dir, "update-ref", "refs/heads/main", gitopstest.Git(s, s.git.Dir, "commit-tree", "-m", "x", "main^{tree}")[:40])
		}, exit: cli.ExitFindings, left: "abcde", what: "/gitops.git"},
		"another repository, as is meant": {do: func(s *shelf) {
			s.git.Commit("main", "x", map[string]string{"notes.md": "none"})
			gitopstest.Git(s, s.git.Dir, "update-ref", "refs/heads/main", gitopstest.Git(s, s.git.Dir, "commit-tree", "-m", "x", "main^{tree}")[:40])
		}, args: []string{"--allow-unrelated"}, exit: cli.ExitOK, left: ""},
		"letting go of one": {do: func(s *shelf) { s.fail("DELETE", "team-payments/app/tag/") }, exit: cli.ExitFindings, left: "abcd", what: ""},
		"no right in Quay":  {do: func(s *shelf) { s.oauth = "nobodysOAuthToken" }, exit: cli.ExitNoRight, left: "abcde", what: "organization team-payments"},
	} {
		t.Run(title, func(t *testing.T) {
			s := newShelf(t)
			if test.do != nil {
				test.do(s)
			}
			exit, r, stderr := s.gc(append([]string{"--yes"}, test.args...)...)
			if exit != test.exit || s.left() != test.left || test.next != "" && !strings.Contains(stderr, "next: "+test.next) {
				t.Errorf("exit %d, left %q, %+v\n%s", exit, s.left(), r, stderr)
			}
			if test.what == "" && len(r.NotLookedAt) > 0 || test.what != "" && (len(r.NotLookedAt) == 0 || !strings.Contains(r.NotLookedAt[0].What, test.what)) {
				t.Errorf("not looked at: %+v", r.NotLookedAt)
			}
			for _, a := range r.Anchors {
				if tags := s.quay.Tags(a.Repository); a.Outcome == "failed" && tags[a.Tag] != a.Digest {
					t.Errorf("%+v, tags %v", a, tags)
				}
			}
		})
	}
}

// answer has the Git server answer requests of a method with a status.
func (s *shelf) answer(method string, status int) {
	before := func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == method {
			http.Error(w, "no", status)
		}
		return r.Method == method
	}
	s.git.Before.Store(&before)
}

// fail has Quay answer with 500.
func (s *shelf) fail(method, path string) {
	s.quay.Faults.Add(quaytest.Fault{Name: "500", Method: method, Path: path, Times: -1, Effect: func(_ *quaytest.Quay, w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		http.Error(w, `{"message": "Internal Server Error"}`, http.StatusInternalServerError)
	}})
}

// Command lines that cannot be meant are refused before anything is asked.
func TestRetentionGCUsage(t *testing.T) {
	s := newShelf(t)
	for title, test := range map[string]struct {
		args       []string
		exit       cli.Exit
		text, next string
	}{
		"no team":          {[]string{"--gitops", "https://git.test/x", "--dry-run"}, cli.ExitUsage, "retention gc needs teams, or --all", "see tkn quay retention gc --help"},
		"both":             {[]string{"payments", "--all", "--gitops", "https://git.test/x", "--dry-run"}, cli.ExitUsage, "retention gc takes teams or --all, not both", "leave out the teams, or --all"},
		"no repository":    {[]string{"payments", "--dry-run"}, cli.ExitUsage, "--gitops is missing", "name the repository that pins digests"},
		"a short grace":    {[]string{"payments", "--gitops", "https://git.test/x", "--grace", "1h", "--dry-run"}, cli.ExitUsage, "--grace is 1 hour", "give a day or more"},
		"none at once":     {[]string{"payments", "--gitops", "https://git.test/x", "--parallel", "0", "--dry-run"}, cli.ExitUsage, "--parallel is 0", "give 1 or more"},
		"two hosts":        {[]string{"payments", "--gitops", "https://git.test/x", "--gitops", "https://other.test/x", "--git-credential-dir", "x", "--dry-run"}, cli.ExitUsage, "--git-credential-dir would go to 2 hosts", "run it where all are on one host"},
		"no such team":     {[]string{"pay_ments", "--gitops", "https://git.test/x", "--dry-run"}, cli.ExitUsage, "pay_ments", "correct the name"},
		"no such pattern":  {[]string{"payments", "--gitops", "https://git.test/x", "--protected-ref", "[", "--dry-run"}, cli.ExitUsage, `--protected-ref "["`, "give the name of a branch"},
		"an unknown team":  {[]string{"payments", "nosuch", "--gitops", s.git.URL(), "--git-plain-http", "--dry-run"}, cli.ExitMissing, `team "nosuch" has no organization "team-nosuch" in Quay`, "correct the name"},
		"no TLS":           {[]string{"payments", "--gitops", "http://git.test/x", "--dry-run"}, cli.ExitUsage, `--gitops "http://git.test/x" has no TLS`, "give an https URL, or --git-plain-http"},
		"nobody to ask":    {[]string{"payments", "--gitops", "https://git.test/x"}, cli.ExitUsage, "--yes is missing", "look at it with --dry-run"},
		"no team anywhere": {[]string{"--all", "--gitops", "https://git.test/x", "--dry-run"}, cli.ExitMissing, "there was nothing to look at", "name the teams"},
	} {
		before := s.git.Requests.Load()
		exit, out, stderr := s.run(t.Context(), "", append([]string{"retention", "gc"}, test.args...)...)
		if exit != test.exit || !strings.Contains(stderr, test.text) || !strings.Contains(stderr, "next: "+test.next) || out != "" || s.git.Requests.Load() != before {
			t.Errorf("%s: exit %d\n%s%s", title, exit, out, stderr)
		}
	}
	s.terminal = true
	if exit, _, stderr := s.run(t.Context(), "n\n", s.args...); exit != cli.ExitCancelled || s.left() != "abcde" {
		t.Errorf("after no: exit %d, left %s\n%s", exit, s.left(), stderr)
	}
	if exit, _, stderr := s.run(t.Context(), "y\n", s.args...); exit != cli.ExitOK || s.left() != "" {
		t.Errorf("after yes: exit %d, left %s\n%s", exit, s.left(), stderr)
	}
}

// All teams are those that have a credential.
func TestRetentionGCAll(t *testing.T) {
	s := newShelf(t)
	s.onboard("payments")
	args := append([]string{"retention", "gc", "--all"}, s.args[4:]...)
	// A cluster that is away may have other teams, and Pods.
	if exit, _, stderr := s.run(t.Context(), "", append(slices.Clone(args), "--yes", "-c", "east", "-c", "north")...); exit != cli.ExitFindings || s.left() != "abcde" {
		t.Errorf("a cluster is away: exit %d, left %s\n%s", exit, s.left(), stderr)
	}
	exit, out, stderr := s.run(t.Context(), "", append(args, "--yes")...)
	if exit != cli.ExitOK || s.left() != "e" {
		t.Errorf("exit %d, left %s\n%s%s", exit, s.left(), out, stderr)
	}
}

// A branch that anybody may push to stops nothing where others are protected: what is wrong with it is told, and the exit code is 0.
func TestRetentionGCProtected(t *testing.T) {
	s := newShelf(t)
	s.git.Branch("x", "main")
	s.git.Commit("x", "x", map[string]string{"apps/No_Team/checkout/overlays/stg/kustomization.yaml": "{ # " + s.digests["b"]})
	if exit, r, stderr := s.gc("--yes"); exit != cli.ExitFindings || s.left() != "abcde" || len(r.NotLookedAt) != 1 || r.NotLookedAt[0].Ignored {
		t.Fatalf("exit %d, left %s, %+v\n%s", exit, s.left(), r, stderr)
	}
	_, table, _ := s.run(t.Context(), "", append(slices.Clone(s.args), "--dry-run", "--protected-ref", "main", "-o", "table")...)
	if !strings.Contains(table, "not looked at, and ignored: apps/No_Team/checkout/overlays/stg on branch x of gitops.git: ") || !strings.Contains(table, "4 anchors would be let go, 1 stays\n") {
		t.Errorf("the table is\n%s", table)
	}
	if exit, r, stderr := s.gc("--yes", "--protected-ref", "main"); exit != cli.ExitOK || s.left() != "b" || len(r.NotLookedAt) != 1 || !r.NotLookedAt[0].Ignored {
		t.Errorf("exit %d, left %s, %+v\n%s", exit, s.left(), r, stderr)
	}
}

// What Quay forgets, and teams that --all does not find, are told.
func TestRetentionGCWarnings(t *testing.T) {
	s := newShelf(t)
	s.onboard("payments")
	s.git.Commit("main", "x", map[string]string{"apps/platform/x/overlays/dev/kustomization.yaml": "resources: []\n"})
	_, r, stderr := s.gc("--dry-run")
	if len(r.Warnings) != 1 || !strings.HasPrefix(r.Warnings[0], "organization team-payments, team-platform: its time machine (tag_expiration_s) is 14 days, and --grace 30 days") {
		t.Errorf("warnings %q\n%s", r.Warnings, stderr)
	}
	if _, r, _ := s.gc("--dry-run", "--grace", "336h"); r.Warnings == nil || len(r.Warnings) != 0 {
		t.Errorf("a grace period as long as the time machine: %q", r.Warnings)
	}
	_, out, stderr := s.run(t.Context(), "", append(append([]string{"retention", "gc", "--all"}, s.args[4:len(s.args)-1]...), "table", "--dry-run", "--grace", "336h")...)
	if !strings.Contains(out, "warning organization team-platform: its team has overlays, and neither an ExternalSecret nor") || strings.Contains(out, "warning organization team-payments") {
		t.Errorf("%s%s", out, stderr)
	}
}
