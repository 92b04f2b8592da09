package tenancy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"knative.dev/pkg/apis"
	"knative.dev/pkg/controller"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/tenant"
)

// api has one tenant's namespace and PipelineRuns, each of which takes a read 10 ms. It counts the reads.
type api struct {
	policies // of which there are none
	mu       sync.Mutex
	runs     map[string]*pipelinev1.PipelineRun
	reads    int
	// looks counts those of the namespace.
	looks int
	busy  int
	most  int
}

func (a *api) Namespace(_ context.Context, name string) (*corev1.Namespace, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.looks++
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"apps.platform/team": "payments"}}}, nil
}

func (a *api) PipelineRun(_ context.Context, _, name string) (*pipelinev1.PipelineRun, error) {
	a.mu.Lock()
	a.reads++
	a.busy++
	a.most = max(a.most, a.busy)
	run := a.runs[name].DeepCopy()
	a.mu.Unlock()
	time.Sleep(10 * time.Millisecond)
	a.mu.Lock()
	a.busy--
	a.mu.Unlock()
	return run, nil
}

// edit changes a PipelineRun.
func (a *api) edit(name string, change func(*pipelinev1.PipelineRun)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change(a.runs[name])
}

func (a *api) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.reads
}

func list(children ...string) func(*pipelinev1.PipelineRun) {
	return func(run *pipelinev1.PipelineRun) {
		for _, child := range children {
			reference := pipelinev1.ChildStatusReference{Name: child}
			reference.Kind = "CustomRun"
			run.Status.ChildReferences = append(run.Status.ChildReferences, reference)
		}
	}
}

func newOwner(name string, children ...string) *pipelinev1.PipelineRun {
	run := &pipelinev1.PipelineRun{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "a", UID: types.UID("uid-of-" + name)}}
	list(children...)(run)
	return run
}

func claims(name, owner string, created time.Time) *v1beta1.CustomRun {
	return &v1beta1.CustomRun{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "a", CreationTimestamp: metav1.Time{Time: created.Truncate(time.Second)},
		OwnerReferences: []metav1.OwnerReference{{APIVersion: "tekton.dev/v1", Kind: "PipelineRun", Name: owner, UID: types.UID("uid-of-" + owner), Controller: new(true)}}}}
}

func newOwners(runs ...*pipelinev1.PipelineRun) (*Owners, *api) {
	a := &api{runs: map[string]*pipelinev1.PipelineRun{}}
	for _, run := range runs {
		a.runs[run.Name] = run
	}
	return NewOwners(a, clock.RealClock{}), a
}

// resolve returns what a look at the run says: "" if it is decided, a pause, or the reason of a refusal.
func resolve(t *testing.T, o *Owners, run *v1beta1.CustomRun) (pause time.Duration, reason string) {
	t.Helper()
	d, _, err := Resolve(t.Context(), o, settings(), run, map[string]string{}, time.Now())
	if again, pause := controller.IsRequeueKey(err); again {
		return pause, ""
	}
	if failure := FailureOf(err); failure != nil {
		return 0, failure.Reason
	}
	if err != nil || d.Team != "payments" {
		t.Errorf("%q: %+v, %v", run.Name, d, err)
	}
	return 0, ""
}

// follow looks at the run as often as it is asked to, and returns how that ends.
func follow(t *testing.T, o *Owners, run *v1beta1.CustomRun) string {
	t.Helper()
	for {
		pause, reason := resolve(t, o, run)
		if pause == 0 {
			return reason
		}
		time.Sleep(pause)
	}
}

// 2,000 CustomRuns claim one PipelineRun that never lists them: it is read now and then while they wait, and together when they are refused.
func TestUnlistedShareAnOwner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, a := newOwners(newOwner("p"))
		var all sync.WaitGroup
		start := time.Now()
		for i := range 2000 {
			run := claims(fmt.Sprint(i), "p", start)
			all.Go(func() {
				if got := follow(t, o, run); got != v1alpha1.ReasonUnprovenOwner {
					t.Errorf("ended %q", got)
				}
			})
		}
		time.Sleep(80 * time.Second)
		if n := a.count(); n < 10 || n > 100 {
			t.Errorf("%d reads while 2,000 wait 80 seconds, want some dozens", n)
		}
		all.Wait()
		if n := a.count(); n > 200 || a.most > 1 {
			t.Errorf("%d reads in all, %d at once", n, a.most)
		}
	})
}

// Each of 500 claims a PipelineRun of its own: no more than maxWaiting are read again and again, and the others still end as they should.
func TestWaitingIsBoundedByNamespace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var owners []*pipelinev1.PipelineRun
		for i := range 500 {
			owners = append(owners, newOwner(fmt.Sprint("p", i)))
		}
		o, a := newOwners(owners...)
		start := time.Now()
		var all sync.WaitGroup
		for i := range 500 {
			all.Go(func() { follow(t, o, claims(fmt.Sprint("c", i), fmt.Sprint("p", i), start)) })
		}
		time.Sleep(30 * time.Second)
		before := a.count()
		time.Sleep(50 * time.Second)
		// Every five seconds one read for each that is waited for.
		if n := a.count() - before; n > maxWaiting*11 || n < maxWaiting*8 {
			t.Errorf("%d reads in 50 seconds", n)
		}
		// Another namespace is not waited for any less: here, another list is full.
		if !o.mayWait(types.NamespacedName{Namespace: "b", Name: "p"}, time.Minute, time.Now()) || o.mayWait(types.NamespacedName{Namespace: "a", Name: "other"}, time.Minute, time.Now()) {
			t.Error("what one namespace waits for counts for another, or is not bounded")
		}
		// One that is listed at last is answered, and makes room.
		all.Wait()
		time.Sleep(forgotten + time.Second)
		if !o.mayWait(types.NamespacedName{Namespace: "a", Name: "other"}, time.Minute, time.Now()) {
			t.Error("the room is never free again")
		}
	})
}

// A matrix of 256 that Tekton makes within a minute and lists at its end is proved soon after, by a few reads.
func TestMatrix(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, a := newOwners(newOwner("p"))
		var all sync.WaitGroup
		var names []string
		var listed time.Time
		var mu sync.Mutex
		var waited []time.Duration
		for i := range 256 {
			names = append(names, fmt.Sprint(i))
			run := claims(names[i], "p", time.Now())
			all.Go(func() {
				if got := follow(t, o, run); got != "" {
					t.Errorf("refused: %s", got)
				}
				mu.Lock()
				waited = append(waited, time.Since(listed))
				mu.Unlock()
			})
			time.Sleep(200 * time.Millisecond)
		}
		listed = time.Now()
		a.edit("p", list(names...))
		before := a.count()
		all.Wait()
		if longest := slices.Max(waited); longest > longestPause+time.Second {
			t.Errorf("one was proved %s after it was listed", longest)
		}
		if n := a.count() - before; n > 60 {
			t.Errorf("256 were proved by %d reads", n)
		}
	})
}

// What is remembered never refuses, and proves nothing that is older than the CustomRun, or than a second.
func TestRememberedIsNoRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(500 * time.Millisecond)
		o, a := newOwners(newOwner("p", "one", "two", "late"))
		one := claims("one", "p", time.Now().Add(-5*time.Second))
		resolve(t, o, one)
		for _, step := range []struct {
			what   string
			change func(*pipelinev1.PipelineRun)
			after  time.Duration
			run    *v1beta1.CustomRun
			reads  int
			want   string
		}{
			{"another within the second", nil, 500 * time.Millisecond, claims("two", "p", time.Now().Add(-5*time.Second)), 0, ""},
			{"one that is younger than the view", nil, 0, claims("late", "p", time.Now().Add(500*time.Millisecond)), 1, ""},
			{"after a second", nil, 1100 * time.Millisecond, claims("two", "p", time.Now().Add(-5*time.Second)), 1, ""},
			{"made again under its name", func(run *pipelinev1.PipelineRun) { run.UID = "another" }, 10 * time.Millisecond, &v1beta1.CustomRun{
				ObjectMeta: metav1.ObjectMeta{Name: "two", Namespace: "a", CreationTimestamp: one.CreationTimestamp, OwnerReferences: []metav1.OwnerReference{
					{APIVersion: "tekton.dev/v1", Kind: "PipelineRun", Name: "p", UID: "another", Controller: new(true)}}}}, 1, ""},
			{"ended", func(run *pipelinev1.PipelineRun) {
				run.UID = "uid-of-p"
				run.Status.SetCondition(&apis.Condition{Type: apis.ConditionSucceeded, Status: corev1.ConditionTrue})
			}, 1100 * time.Millisecond, one, 1, v1beta1.CustomRunReasonCancelled.String()},
			{"ended, asked again", nil, 0, one, 1, v1beta1.CustomRunReasonCancelled.String()},
		} {
			if step.change != nil {
				a.edit("p", step.change)
			}
			time.Sleep(step.after)
			before := a.count()
			pause, got := resolve(t, o, step.run)
			if n := a.count() - before; n != step.reads || got != step.want || pause != 0 {
				t.Errorf("%s: %q after %d reads and pause %s, want %q after %d", step.what, got, n, pause, step.want, step.reads)
			}
		}
	})
}

// Who asks while a read is under way gets the next one's answer: that of the first may be from before.
func TestReadsAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, a := newOwners(newOwner("p"))
		key := types.NamespacedName{Namespace: "a", Name: "p"}
		var all sync.WaitGroup
		all.Go(func() { _, _ = o.read(t.Context(), key) })
		time.Sleep(5 * time.Millisecond)
		a.edit("p", list("late"))
		for range 100 {
			all.Go(func() {
				if run, err := o.read(t.Context(), key); err != nil || len(run.Status.ChildReferences) != 1 {
					t.Errorf("%+v, %v", run, err)
				}
			})
		}
		all.Wait()
		if a.count() != 2 || len(o.lines) > 0 {
			t.Errorf("%d reads, %d lines are left", a.count(), len(o.lines))
		}
		// One that goes away while it waits takes nobody's answer.
		all.Go(func() { _, _ = o.read(t.Context(), key) })
		time.Sleep(5 * time.Millisecond)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := o.read(ctx, key); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		if run, err := o.read(t.Context(), key); err != nil || run.Name != "p" {
			t.Errorf("after it: %+v, %v", run, err)
		}
		all.Wait()
		if a.count() != 4 || len(o.lines) > 0 {
			t.Errorf("%d reads, %d lines are left", a.count(), len(o.lines))
		}
	})
}

// What is remembered is small, and so is what is kept of a read.
func TestWhatIsKeptOfAnOwner(t *testing.T) {
	o, _ := newOwners()
	big := newOwner("big", strings.Repeat("a", maxViewSize))
	o.remember(types.NamespacedName{Name: "big"}, view{run: big})
	now := time.Now()
	for i := range 3 * maxViews {
		o.remember(types.NamespacedName{Name: fmt.Sprint(i)}, view{run: newOwner("p"), began: now})
	}
	if o.recall(types.NamespacedName{Name: "big"}).run != nil || len(o.views) != maxViews {
		t.Errorf("%d views, the big one %v", len(o.views), o.recall(types.NamespacedName{Name: "big"}).run != nil)
	}
	o.remember(types.NamespacedName{Name: "new"}, view{run: newOwner("p"), began: now.Add(longestPause + time.Second)})
	if o.recall(types.NamespacedName{Name: "new"}).run == nil || len(o.views) != 1 {
		t.Errorf("the old ones stay: %d", len(o.views))
	}
	run := newOwner("p", "child")
	run.Annotations = map[string]string{"tekton.dev/pipelinerunSpanContext": "trace", "x": "y"}
	run.Status.ChildReferences = append(run.Status.ChildReferences, pipelinev1.ChildStatusReference{Name: "task"})
	run.Spec.PipelineSpec = &pipelinev1.PipelineSpec{Description: "long"}
	slim := slimPipelineRun(run)
	if len(slim.Annotations) != 1 || len(slim.Status.ChildReferences) != 1 || slim.Spec.PipelineSpec != nil || slim.UID != run.UID {
		t.Errorf("%+v", slim)
	}
}

// A robot's Secret that is a megabyte is refused with what is wrong, and no more of it is kept than shows that.
func TestSecretIsBounded(t *testing.T) {
	bomb := &corev1.Secret{Type: corev1.SecretTypeDockerConfigJson, Data: map[string][]byte{"other": make([]byte, 1000),
		corev1.DockerConfigJsonKey: []byte(`{"auths":{` + strings.Repeat(`"a":{},`, 150_000) + `"b":{}}}`)}}
	slim := slimSecret(bomb)
	if len(slim.Data) != 1 || len(slim.Data[corev1.DockerConfigJsonKey]) != maxRobotFile+1 {
		t.Errorf("%d bytes are kept in %d keys", len(slim.Data[corev1.DockerConfigJsonKey]), len(slim.Data))
	}
	c := settings()
	_, err := Credential(t.Context(), secrets{secret: slim}, "a", "", tenant.Decision{Team: "payments", Names: c.Names("payments")})
	var refused *SecretError
	if !errors.As(err, &refused) || refused.Reason != v1alpha1.ReasonSecretInvalid || !strings.Contains(err.Error(), "65536") {
		t.Errorf("%v", err)
	}
}

type secrets struct {
	Cluster
	secret *corev1.Secret
}

func (s secrets) Secret(context.Context, string, string) (*corev1.Secret, error) {
	return s.secret, nil
}

// settings are those of a platform that has said where its Quay is.
func settings() *config.Config {
	c := config.Default()
	c.Registry = "quay.apps.sub.comptech-lab.com"
	return c
}

// A look whose remembered view of the PipelineRun is too old reads that again, and not the rest: it decides on one view of each.
func TestOneLookReadsTheNamespaceOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, a := newOwners(newOwner("p", "first"))
		start := time.Now()
		if got := follow(t, o, claims("first", "p", start)); got != "" {
			t.Fatalf("the first is refused: %s", got)
		}
		a.edit("p", list("second"))
		time.Sleep(time.Second)
		before, looks := a.count(), a.looks
		if pause, reason := resolve(t, o, claims("second", "p", start)); pause > 0 || reason != "" {
			t.Errorf("the second is to wait %s, or is refused: %q", pause, reason)
		}
		if reads, looks := a.count()-before, a.looks-looks; reads != 1 || looks != 1 {
			t.Errorf("the PipelineRun was read %d times and the namespace %d times, want once each", reads, looks)
		}
	})
}
