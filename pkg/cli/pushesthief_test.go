package cli_test

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

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
