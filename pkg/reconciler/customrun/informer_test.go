package customrun

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	"github.com/tektoncd/pipeline/pkg/client/injection/informers/factory"
	filtered "github.com/tektoncd/pipeline/pkg/client/injection/informers/factory/filtered"
	taskruninformer "github.com/tektoncd/pipeline/pkg/client/injection/informers/pipeline/v1/taskrun/filtered"
	customruninformer "github.com/tektoncd/pipeline/pkg/client/injection/informers/pipeline/v1beta1/customrun"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	namespaceinformer "knative.dev/pkg/client/injection/kube/informers/core/v1/namespace"
	kubefactory "knative.dev/pkg/client/injection/kube/informers/factory"
	"knative.dev/pkg/injection"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
)

func named(name, version string) *v1beta1.CustomRun {
	run := newRun(version, v1alpha1.KindPushImage)
	run.Name = name
	return run
}

// start runs the informer until the test ends.
func start(t *testing.T, informer cache.SharedIndexInformer) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		informer.RunWithContext(ctx)
		close(ended)
	}()
	t.Cleanup(func() { stop(); <-ended })
	if !cache.WaitForCacheSync(t.Context().Done(), informer.HasSynced) {
		t.Fatal("the cache did not sync")
	}
}

// Of what is there, what comes and what changes, the cache has what is ours, whether the server streams lists or not.
func TestInformerHasOursAlone(t *testing.T) {
	const foreign = "example.dev/v1"
	for name, streams := range map[string]bool{"list": false, "stream": true} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			there := [][]byte{encode(t, named("there", v1alpha1.APIVersion)), encode(t, named("foreign-there", foreign))}
			s.streams, s.count, s.object = streams, len(there), func(i int) []byte { return there[i] }
			informer := newInformer(s.client, 0)
			events := make(chan string, 10)
			if _, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
				AddFunc:    func(object any) { events <- "added " + object.(*v1beta1.CustomRun).Name },
				UpdateFunc: func(_, object any) { events <- "updated " + object.(*v1beta1.CustomRun).Name },
				DeleteFunc: func(object any) { events <- "deleted " + object.(*v1beta1.CustomRun).Name },
			}); err != nil {
				t.Fatal(err)
			}
			start(t, informer)
			for _, step := range []struct {
				kind watch.EventType
				run  *v1beta1.CustomRun
			}{
				{watch.Added, named("foreign-came", foreign)},
				{watch.Added, named("turned", v1alpha1.APIVersion)},
				// Somebody edits the references.
				{watch.Modified, named("turned", foreign)},
				{watch.Modified, named("foreign-came", v1alpha1.APIVersion)},
				{watch.Modified, named("foreign-there", foreign)},
				{watch.Deleted, named("there", v1alpha1.APIVersion)},
				{watch.Added, named("last", v1alpha1.APIVersion)},
			} {
				s.events <- event(step.kind, encode(t, step.run))
			}
			var got []string
			for !slices.Contains(got, "added last") {
				got = append(got, <-events)
			}
			want := []string{"added there", "added turned", "deleted turned", "added foreign-came", "deleted foreign-there", "deleted there", "added last"}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{"b/foreign-came", "b/last"}, informer.GetStore().ListKeys(), cmpopts.SortSlices(strings.Compare)); diff != "" {
				t.Errorf("cached (-want +got):\n%s", diff)
			}
			if _, _, lists := s.seen(); lists != map[bool]int{false: 1, true: 0}[streams] {
				t.Errorf("%d lists where the server streams them: %v", lists, streams)
			}
		})
	}
}

// What Knative injects are these informers, and not those that are generated.
func TestInformersAreTheInjectedOnes(t *testing.T) {
	ctx, informers := injection.Default.SetupInformers(filtered.WithSelectors(t.Context(), TaskRunSelector), &rest.Config{})
	// A factory makes an informer of a type once: that of the generated constructors would be another.
	for name, pair := range map[string][2]cache.SharedIndexInformer{
		"CustomRuns": {customruninformer.Get(ctx).Informer(), factory.Get(ctx).InformerFor(&v1beta1.CustomRun{}, newInformer)},
		"TaskRuns":   {taskruninformer.Get(ctx, TaskRunSelector).Informer(), filtered.Get(ctx, TaskRunSelector).InformerFor(&pipelinev1.TaskRun{}, newTaskRunInformer)},
		"Namespaces": {namespaceinformer.Get(ctx).Informer(), kubefactory.Get(ctx).InformerFor(&corev1.Namespace{}, newNamespaceInformer)},
	} {
		if pair[0] != pair[1] || len(informers) == 0 {
			t.Errorf("what is injected for %s is another informer than the factory's, of %d", name, len(informers))
		}
	}
}

func within(t *testing.T, what string, met func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !met(); {
		if time.Now().After(deadline) {
			t.Fatalf("waiting a minute for %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
