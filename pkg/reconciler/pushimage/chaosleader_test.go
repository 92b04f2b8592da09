package pushimage

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	apierrs "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"knative.dev/pkg/controller"

	"github.com/comptech-lab/quay-push/pkg/reconciler/reconcilertest"
)

// leader is one replica, and when it looks at what again.
type leader struct {
	*reconcilertest.World
	name string
	due  map[types.NamespacedName]time.Time
	busy string
	// made says that it has made a Secret for the run that it is busy with.
	made bool
}

// work has the leader look at one run that is due, as Knative's queue would.
func (c *chaos) work(l *leader) {
	if l.busy != "" {
		return
	}
	now := c.world.Clock.Now()
	for _, key := range l.Queued() {
		l.due[key] = now
	}
	keys := slices.SortedFunc(maps.Keys(l.due), func(a, b types.NamespacedName) int { return strings.Compare(a.Name, b.Name) })
	keys = slices.DeleteFunc(keys, func(k types.NamespacedName) bool { return l.due[k].After(now) })
	if len(keys) == 0 {
		return
	}
	key := keys[c.random.IntN(len(keys))]
	delete(l.due, key)
	l.busy, l.made = key.Name, false
	err, killed := reconcileOrDie(l.World, key)
	l.busy = ""
	c.logf("%s looked at %s: %v", l.name, key.Name, err)
	again, wait := controller.IsRequeueKey(err)
	switch {
	case killed:
		l.Restart()
		l.due = map[types.NamespacedName]time.Time{}
	case again:
		l.due[key] = now.Add(wait)
	case err != nil && !controller.IsPermanentError(err) && !controller.IsSkipKey(err):
		l.due[key] = now.Add(time.Second)
	}
}

// kill is thrown where a process dies.
type kill struct{}

func reconcileOrDie(w *reconcilertest.World, key types.NamespacedName) (err error, killed bool) {
	defer func() {
		if p := recover(); p != nil {
			if _, killed = p.(kill); !killed {
				panic(p)
			}
		}
	}()
	return w.ReconcileStale(key.Namespace, key.Name), false
}

// before is what can happen when a request is on its way.
func (c *chaos) before(l *leader, a reconcilertest.Action) error {
	if err := c.webhook(l, a); err != nil || c.calm {
		return err
	}
	if c.world.Clock.Now().Before(c.down) {
		return apierrs.NewServiceUnavailable("the API server is down")
	}
	switch n := c.random.IntN(100); {
	case n < 3 || n < 15 && a == "patch taskruns" || n < 40 && a == "delete taskruns":
		c.die(l, "killed before ", a)
	case n < 6:
		return apierrs.NewInternalError(errors.New("etcd is slow"))
	case n < 12 && a == "update customruns/status":
		c.count("conflict")
		if custom := c.customRun(l.busy); custom != nil {
			custom.Annotations = map[string]string{"somebody": fmt.Sprint(c.random.IntN(1000))}
			c.world.Update(custom)
		}
	case n < 30:
		c.meanwhile(l)
	}
	return nil
}

// after is what can happen when the answer of a request that took effect is on its way.
func (c *chaos) after(l *leader, a reconcilertest.Action) error {
	c.observe()
	c.logf("%s did %s for %s", l.name, a, l.busy)
	l.made = l.made || a == "create secrets"
	if c.calm {
		return nil
	}
	switch n := c.random.IntN(100); {
	case n < 3 || n < 15 && a == "patch taskruns" || n < 40 && a == "delete taskruns":
		c.die(l, "killed after ", a)
	case n < 8:
		c.count("answer lost of " + string(a))
		return apierrs.NewTimeoutError("the webhook took too long", 0)
	case n < 25:
		c.meanwhile(l)
	}
	return nil
}

func (c *chaos) die(l *leader, when string, a reconcilertest.Action) {
	c.count(when + string(a))
	c.logf("%s %s %s", l.name, when, a)
	if custom := c.customRun(l.busy); l.made && custom != nil && custom.IsDone() {
		c.history[l.busy].late = true
	}
	panic(kill{})
}

// meanwhile lets the rest of the world go on between two requests of one leader.
func (c *chaos) meanwhile(l *leader) {
	if c.depth++; c.depth <= 3 {
		for _, other := range c.leaders {
			if other != l && other.busy == "" {
				c.count("two leaders at once")
			}
		}
		for range c.random.IntN(4) {
			c.step()
		}
	}
	c.depth--
}

// webhook is Tekton's: a TaskRun that ended is not changed.
func (c *chaos) webhook(l *leader, a reconcilertest.Action) error {
	if task := c.task(l.busy); a == "patch taskruns" && task != nil && task.IsDone() {
		return apierrs.NewBadRequest("once the TaskRun is complete, no updates are allowed")
	}
	return nil
}
