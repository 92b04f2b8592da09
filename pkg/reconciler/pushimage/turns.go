package pushimage

import (
	"sync"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"

	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
)

const (
	// copyPlaces is how many pushes from a registry are under way at once: fewer than the Pods that config/copy allows, since one
	// that is cancelled takes its time to go.
	copyPlaces = 16
	// copyShare bounds one namespace: it has another push under way while that many times its pushes are fewer than the free places.
	// So a single one has four places, and the next that comes finds some free.
	copyShare = 3
	// heldFor is how long a place is kept for a TaskRun that the cache does not have: longer than a request takes.
	heldFor = time.Minute
)

// copyTurns gives the places in custody to the runs of all namespaces: in a namespace to those that came first, and to the namespaces
// in turns. Who waits and who is under way is in the caches, so that a new leader knows it. Which namespace custody is, the caller says:
// it must be one and the same in all that the caller does. It is safe for concurrent use.
type copyTurns struct {
	places int
	clock  clock.PassiveClock
	// tasks is indexed by indexUnderWay, runs by indexWaiting.
	tasks, runs cache.Indexer

	mu sync.Mutex
	// held are places of runs whose TaskRun the cache does not have yet.
	held map[types.UID]place
	// served says of each namespace that waits when it last had its turn.
	served map[string]int
	turn   int
}

type place struct {
	namespace string
	until     time.Time
}

const (
	indexUnderWay = "copy-under-way"
	indexWaiting  = "copy-waiting"
)

// underWay indexes by its own namespace a TaskRun like those in custody that has not ended.
func underWay(object any) ([]string, error) {
	if task, ok := object.(*pipelinev1.TaskRun); ok && !task.IsDone() {
		if _, copied := customRunOf(task); copied {
			return []string{task.Namespace}, nil
		}
	}
	return nil, nil
}

// waiting indexes by its namespace a CustomRun that waits for its turn.
func waiting(object any) ([]string, error) {
	if run, ok := object.(*v1beta1.CustomRun); ok && waits(run) {
		return []string{run.Namespace}, nil
	}
	return nil, nil
}

// waits reports whether the run was told that it waits for its turn.
func waits(run *v1beta1.CustomRun) bool {
	if customrun.Done(run) || customrun.Leaves(run) || !customrun.Ours(run) {
		return false
	}
	s, err := stateOf(run)
	return err == nil && s.Waiting && s.TaskRun.UID == ""
}

// take reports whether it is the run's turn, and keeps a place for it if it is.
func (t *copyTurns) take(run *v1beta1.CustomRun, custody string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	active := t.active(custody)
	if _, mine := t.held[run.UID]; mine || t.made(custody, run.UID) {
		return true
	}
	if !t.fits(active, run.Namespace) {
		return false
	}
	heads := t.heads(custody)
	for namespace, head := range heads {
		switch {
		case head.UID == run.UID:
		case namespace == run.Namespace:
			if earlier(head, run) {
				return false
			}
		case t.fits(active, namespace) && t.sooner(active, head, run):
			return false
		}
	}
	t.held[run.UID] = place{run.Namespace, t.clock.Now().Add(heldFor)}
	for namespace := range t.served {
		if heads[namespace] == nil {
			delete(t.served, namespace)
		}
	}
	t.turn++
	t.served[run.Namespace] = t.turn
	return true
}

// release gives back the place of a run that has no TaskRun.
func (t *copyTurns) release(run types.UID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.held, run)
}

// next are the runs whose turn it could be.
func (t *copyTurns) next(custody string) (keys []types.NamespacedName) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, head := range t.heads(custody) {
		keys = append(keys, types.NamespacedName{Namespace: head.Namespace, Name: head.Name})
	}
	return keys
}

// active counts each namespace's places.
func (t *copyTurns) active(custody string) map[string]int {
	count := map[string]int{}
	tasks, _ := t.tasks.ByIndex(indexUnderWay, custody) // The index is there.
	for _, task := range tasks {
		if key, ok := customRunOf(task.(*pipelinev1.TaskRun)); ok {
			count[key.Namespace]++
		}
	}
	for uid, place := range t.held {
		switch {
		case t.made(custody, uid) || t.clock.Now().After(place.until):
			delete(t.held, uid)
		default:
			count[place.namespace]++
		}
	}
	return count
}

// made reports whether the cache has the run's TaskRun.
func (t *copyTurns) made(custody string, run types.UID) bool {
	_, there, err := t.tasks.GetByKey(custody + "/" + copyName(run))
	return err == nil && there
}

// fits reports whether a place is free, and the namespace may have it.
func (t *copyTurns) fits(active map[string]int, namespace string) bool {
	free := t.places
	for _, n := range active {
		free -= n
	}
	mine := active[namespace]
	return free > 0 && (mine == 0 || mine*copyShare < free)
}

// sooner reports whether the turn of a's namespace comes before that of b's.
func (t *copyTurns) sooner(active map[string]int, a, b *v1beta1.CustomRun) bool {
	if x, y := active[a.Namespace], active[b.Namespace]; x != y {
		return x < y
	}
	if x, y := t.served[a.Namespace], t.served[b.Namespace]; x != y {
		return x < y
	}
	return earlier(a, b)
}

// heads are the first that waits of each namespace.
func (t *copyTurns) heads(custody string) map[string]*v1beta1.CustomRun {
	heads := map[string]*v1beta1.CustomRun{}
	for _, namespace := range t.runs.ListIndexFuncValues(indexWaiting) {
		runs, _ := t.runs.ByIndex(indexWaiting, namespace) // The index is there.
		for _, object := range runs {
			run := object.(*v1beta1.CustomRun)
			if _, has := t.held[run.UID]; !has && !t.made(custody, run.UID) && (heads[namespace] == nil || earlier(run, heads[namespace])) {
				heads[namespace] = run
			}
		}
	}
	return heads
}

// earlier reports whether a came before b. The API server knows that to the second.
func earlier(a, b *v1beta1.CustomRun) bool {
	if !a.CreationTimestamp.Equal(&b.CreationTimestamp) {
		return a.CreationTimestamp.Before(&b.CreationTimestamp)
	}
	return a.Namespace+"/"+a.Name < b.Namespace+"/"+b.Name
}
