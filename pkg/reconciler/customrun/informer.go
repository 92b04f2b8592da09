package customrun

import (
	"context"
	"slices"
	"time"

	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	tekton "github.com/tektoncd/pipeline/pkg/client/clientset/versioned"
	"github.com/tektoncd/pipeline/pkg/client/injection/informers/factory"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"knative.dev/pkg/injection"
)

// Whoever makes the factory's informer of a type first has it shared. Informers are made after all factories are.
func init() {
	injection.Default.RegisterInformerFactory(func(ctx context.Context) context.Context {
		factory.Get(ctx).InformerFor(&v1beta1.CustomRun{}, newInformer)
		return ctx
	})
}

// newInformer returns an informer of the CustomRuns that Ours holds of. The API server cannot leave out the others: Tekton's CRD
// declares no selectable fields. So they are left out before they are cached.
func newInformer(client tekton.Interface, resync time.Duration) cache.SharedIndexInformer {
	runs := client.TektonV1beta1().CustomRuns(metav1.NamespaceAll)
	return cache.NewSharedIndexInformer(cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			list, err := runs.List(ctx, options)
			if err != nil {
				return nil, err
			}
			list.Items = slices.DeleteFunc(list.Items, func(run v1beta1.CustomRun) bool { return !Ours(&run) })
			return list, nil
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			all, err := runs.Watch(ctx, options)
			if err != nil {
				return nil, err
			}
			return watch.Filter(all, onlyOurs), nil
		},
	}, client), &v1beta1.CustomRun{}, resync, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
}

// onlyOurs keeps an event if it is of a CustomRun of ours, or of none, as bookmarks are. A change that makes one another
// controller's is its end for us: a CustomRun's reference can be edited.
func onlyOurs(event watch.Event) (watch.Event, bool) {
	run, ok := event.Object.(*v1beta1.CustomRun)
	switch {
	case !ok || event.Type == watch.Bookmark || Ours(run):
		return event, true
	case event.Type == watch.Modified:
		event.Type = watch.Deleted
		return event, true
	}
	return event, event.Type != watch.Added
}
