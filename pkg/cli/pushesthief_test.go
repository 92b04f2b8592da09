package cli_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/cli"
)

// Who moves the tag between a run's push and the run's end is listed with what he pushed, and the run with what it did.
func TestPushesOfAThiefAreListed(t *testing.T) {
	c := newCounter(t)
	app := c.image("team-payments/app")
	good := c.pushAs("team-payments", "main")
	c.quay.Advance(3 * time.Second)
	evil := c.pushAs("team-payments", "main")
	c.quay.Advance(3 * time.Second)
	decided := `{"team":"payments","rule":"namespace-label","taskRun":{"name":"x","uid":"1"}}`
	c.customRun("PushImage", checkout, "build-1", ended("", "pushed"), decided, []string{"image-ref=" + app, "tag=main"}, c.told(good, "52428800"))
	// A team's own task that claims the good one does not explain the other either.
	c.taskRun(checkout, "build-2", ended("", "done"), []string{"image-ref=" + app, "tag=main"}, c.told(good, "0"))
	exit, r, stderr := c.pushes("payments", "--since", "10m")
	if exit != cli.ExitOK || len(r.NotRead) > 0 {
		t.Fatalf("exit %d\n%s", exit, stderr)
	}
	found := []string{}
	for _, p := range r.Pushes {
		found = append(found, strings.Join([]string{p.Run, p.Who, strings.NewReplacer(good, "good", evil, "evil").Replace(p.Digest), p.Source}, " "))
	}
	want := "build-1 team-payments+pusher good controller, build-2  good task,  team-payments+pusher evil quay"
	if got := strings.Join(found, ", "); got != want {
		t.Errorf("the pushes are %q, want %q", got, want)
	}
}

// Neither an organization whose name begins with the team's is the team's, nor does a task's word without a digest hide what was pushed.
func TestPushesOfANeighbourAreNotProved(t *testing.T) {
	c := newCounter(t)
	near, digest := c.image("team-payments-x/app"), "sha256:"+strings.Repeat("e", 64)
	c.taskRun(checkout, "near", ended("", "done"), []string{"image-ref=" + near}, []string{"image-ref=" + near, "IMAGE_DIGEST=" + digest, "image-pinned=" + near + "@" + digest})
	c.taskRun(checkout, "odd", ended("", "done"), []string{"image-ref=" + c.image("team-payments/app"), "tag=main"}, c.told("sha256:x", "-5"))
	// What the controller made is listed by its CustomRun.
	c.taskRun(checkout, "managed", ended("", "done"), []string{"image-ref=" + c.image("team-payments/app")}, c.told(digest, "1"))
	runs := c.tekton.TektonV1().TaskRuns(checkout)
	made, err := runs.Get(t.Context(), "managed-own", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	made.Labels = map[string]string{v1alpha1.LabelManaged: "true"}
	if _, err := runs.Update(t.Context(), made, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	// A question that was refused is listed, too.
	c.customRun("ResolveTenant", checkout, "asked", ended("NoTenant", "no"), "", nil, nil)
	_, r, stderr := c.pushes("payments", "--since", "10m")
	found := map[string]string{}
	for _, p := range r.Pushes {
		found[p.Run] = p.Refused
		if p.Run == "odd" && (p.Digest != "" || p.Bytes != nil) {
			t.Errorf("a digest that is none is listed: %+v", p)
		}
	}
	want := map[string]string{"near": "NotProved: it says that it pushed to a repository outside of its team's organization", "odd": "", "asked": "NoTenant: no"}
	if !maps.Equal(found, want) {
		t.Errorf("it is %q\n%s", found, stderr)
	}
}

// A TaskRun in a namespace that is no team's is no proof of a push; those of a team's namespace go on to be one.
func TestPushesOfNobodyAreNotProved(t *testing.T) {
	c := newCounter(t)
	if err := c.kube.Tracker().Add(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "sandbox"}}); err != nil {
		t.Fatal(err)
	}
	app, digest := c.image("team-payments/app"), "sha256:"+strings.Repeat("e", 64)
	for _, namespace := range []string{"sandbox", checkout, intruder} {
		c.taskRun(namespace, "build-"+namespace, ended("", "done"), []string{"image-ref=" + app}, c.told(digest, "7"))
	}
	_, r, stderr := c.pushes("--since", "10m")
	refused := map[string]string{}
	for _, p := range r.Pushes {
		refused[p.Namespace+" of "+p.Team] = p.Refused
	}
	const nobodys, others = "NotProved: it says that it pushed, and its namespace is of no team that is known",
		"NotProved: it says that it pushed to a repository outside of its team's organization"
	if len(r.Pushes) != 3 || refused["sandbox of "] != nobodys || refused[checkout+" of payments"] != "" || refused[intruder+" of platform"] != others {
		t.Errorf("it is %v\n%s", refused, stderr)
	}
	if table := c.must("pushes", "--since", "10m"); !strings.Contains(table, "\n1 pushes, 2 refused or failed, since ") {
		t.Errorf("it is\n%s", table)
	}
}
