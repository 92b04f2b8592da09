// Package turns shares the controller among namespaces: none can take all its threads, nor all the requests that it may make. Who
// is alone has what there is.
package turns

import (
	"context"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"knative.dev/pkg/controller"
	"knative.dev/pkg/reconciler"
)

// LeaderAware is what Knative takes for a Reconciler.
type LeaderAware interface {
	controller.Reconciler
	reconciler.LeaderAware
}

// Keys is a Reconciler that looks at no more than some keys of a namespace at once. The others wait, first in, first out, without a
// thread and without a request, and come back to the queue as soon as one of their namespace is done.
type Keys struct {
	LeaderAware
	most    int
	enqueue func(types.NamespacedName)

	mu         sync.Mutex
	namespaces map[string]*namespace
}

// namespace is one of which keys are looked at.
type namespace struct {
	// busy counts those that are looked at, or are on their way to be.
	busy int
	// parked wait in this order; called are on their way.
	parked  []string
	waiting map[string]bool
	called  map[string]bool
}

var _ LeaderAware = (*Keys)(nil)

// Share has r look at most keys of a namespace at once, at least at one. enqueue puts a key back into r's queue.
func Share(r LeaderAware, most int, enqueue func(types.NamespacedName)) *Keys {
	return &Keys{LeaderAware: r, most: max(most, 1), enqueue: enqueue, namespaces: map[string]*namespace{}}
}

// Reconcile implements controller.Reconciler.
func (k *Keys) Reconcile(ctx context.Context, key string) error {
	name, _, err := cache.SplitMetaNamespaceKey(key)
	if err != nil {
		return k.LeaderAware.Reconcile(ctx, key)
	}
	if !k.enter(name, key) {
		return controller.NewSkipKey(key)
	}
	defer k.leave(name)
	return k.LeaderAware.Reconcile(ctx, key)
}

// enter reports whether it is the key's turn, and parks it if not.
func (k *Keys) enter(name, key string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := k.namespaces[name]
	if n == nil {
		n = &namespace{waiting: map[string]bool{}, called: map[string]bool{}}
		k.namespaces[name] = n
	}
	switch {
	case n.called[key]:
		delete(n.called, key)
		return true
	case n.busy < k.most:
		n.busy++
		return true
	case !n.waiting[key]:
		n.waiting[key] = true
		n.parked = append(n.parked, key)
	}
	return false
}

// leave calls the next key. Its place is kept until it comes, so that none that has just arrived is before it.
func (k *Keys) leave(name string) {
	k.mu.Lock()
	n := k.namespaces[name]
	if len(n.parked) == 0 {
		if n.busy--; n.busy == 0 {
			delete(k.namespaces, name)
		}
		k.mu.Unlock()
		return
	}
	key := n.parked[0]
	n.parked = n.parked[1:]
	delete(n.waiting, key)
	n.called[key] = true
	k.mu.Unlock()
	namespace, run, _ := cache.SplitMetaNamespaceKey(key) // It was split before.
	k.enqueue(types.NamespacedName{Namespace: namespace, Name: run})
}
