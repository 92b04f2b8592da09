// Package informer makes informers that hold one object as the API server has it at a time, and keep of it what is asked for,
// however large and many they are: what a tenant may write can be 1.5 MiB an object.
package informer

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// Resource is what an informer reads, in all namespaces.
type Resource struct {
	// Client is that of the resource's group and version, Codec encodes options for it.
	Client rest.Interface
	Codec  runtime.ParameterCodec
	// Name is the resource's, such as "customruns", Selector a label selector or empty.
	Name, Selector string
}

// Object is a pointer to a T that can be cached.
type Object[T any] interface {
	*T
	runtime.Object
}

// New returns an informer that caches what keep makes of each object. keep may change the object; false leaves it out, and an
// object that was cached before is then as good as deleted.
func New[T any, P Object[T]](r Resource, resync time.Duration, keep func(P) (P, bool)) cache.SharedIndexInformer {
	return cache.NewSharedIndexInformer(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			return list(ctx, r, options, keep)
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.Watch = true
			var timeout time.Duration
			if options.TimeoutSeconds != nil {
				timeout = time.Duration(*options.TimeoutSeconds) * time.Second
			}
			all, err := r.get(&options).Timeout(timeout).Watch(ctx)
			if err != nil {
				return nil, err
			}
			return watch.Filter(all, func(event watch.Event) (watch.Event, bool) { return keepEvent(event, keep) }), nil
		},
	}, P(new(T)), resync, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
}

func (r Resource) get(options *metav1.ListOptions) *rest.Request {
	options.LabelSelector = r.Selector
	return r.Client.Get().Resource(r.Name).VersionedParams(options, r.Codec)
}

// keepEvent passes what is no object of the resource, as errors, and bookmarks, which end the first list of a watch.
func keepEvent[T any, P Object[T]](event watch.Event, keep func(P) (P, bool)) (watch.Event, bool) {
	object, ok := event.Object.(P)
	if !ok || event.Type == watch.Bookmark {
		return event, true
	}
	kept, ok := keep(object)
	event.Object = kept
	switch {
	case ok:
		return event, true
	case event.Type == watch.Modified:
		event.Type = watch.Deleted
	}
	return event, event.Type != watch.Added
}
