package customrun

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	faketekton "github.com/tektoncd/pipeline/pkg/client/clientset/versioned/fake"
	"github.com/tektoncd/pipeline/pkg/client/injection/informers/factory"
	customruninformer "github.com/tektoncd/pipeline/pkg/client/injection/informers/pipeline/v1beta1/customrun"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"knative.dev/pkg/injection"
	_ "knative.dev/pkg/reconciler/testing" // The fake client sends no bookmarks: this turns WatchList off.

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
)

func named(name, version string) *v1beta1.CustomRun {
	run := newRun(version, v1alpha1.KindPushImage)
	run.Name = name
	return run
}

// Of what is there, what comes and what changes, the cache has what is ours.
func TestInformerHasOursAlone(t *testing.T) {
	const foreign = "example.dev/v1"
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		client := faketekton.NewSimpleClientset(named("there", v1alpha1.APIVersion), named("foreign-there", foreign))
		informer := newInformer(client, 0)
		var deleted []string
		if _, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{DeleteFunc: func(object any) {
			deleted = append(deleted, object.(*v1beta1.CustomRun).Name)
		}}); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() {
			informer.RunWithContext(ctx)
			close(ended)
		}()
		synctest.Wait()
		wantKeys(t, informer, "b/there")
		runs := client.TektonV1beta1().CustomRuns("b")
		for _, run := range []*v1beta1.CustomRun{named("came", v1alpha1.APIVersion), named("foreign-came", foreign), named("turned", v1alpha1.APIVersion)} {
			if _, err := runs.Create(ctx, run, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		wantKeys(t, informer, "b/came", "b/there", "b/turned")
		// Somebody edits the references.
		for _, run := range []*v1beta1.CustomRun{named("turned", foreign), named("foreign-came", v1alpha1.APIVersion), named("foreign-there", foreign)} {
			if _, err := runs.Update(ctx, run, metav1.UpdateOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		wantKeys(t, informer, "b/came", "b/foreign-came", "b/there")
		if err := runs.Delete(ctx, "there", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		if err := runs.Delete(ctx, "foreign-there", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		wantKeys(t, informer, "b/came", "b/foreign-came")
		for _, name := range []string{"turned", "there"} {
			if !slices.Contains(deleted, name) {
				t.Errorf("nobody was told that %q is gone, but of %q", name, deleted)
			}
		}
		stop()
		<-ended
	})
}

func wantKeys(t *testing.T, informer cache.SharedIndexInformer, want ...string) {
	t.Helper()
	got := informer.GetStore().ListKeys()
	if diff := cmp.Diff(want, got, cmpopts.SortSlices(strings.Compare)); diff != "" {
		t.Errorf("cached (-want +got):\n%s", diff)
	}
}

// Bookmarks end the first list of a watch, and errors restart it: they pass.
func TestOnlyOursPassesWhatIsNoCustomRun(t *testing.T) {
	for _, event := range []watch.Event{
		{Type: watch.Bookmark, Object: &v1beta1.CustomRun{}},
		{Type: watch.Error, Object: &metav1.Status{}},
	} {
		if got, passed := onlyOurs(event); !passed || got.Type != event.Type {
			t.Errorf("%s: passed %v as %s", event.Type, passed, got.Type)
		}
	}
}

// What Knative injects is this informer, and not the one that Tekton generates.
func TestInformerIsTheInjectedOne(t *testing.T) {
	ctx, informers := injection.Default.SetupInformers(t.Context(), &rest.Config{})
	injected := customruninformer.Get(ctx).Informer()
	own := factory.Get(ctx).InformerFor(&v1beta1.CustomRun{}, newInformer)
	if injected != own || len(informers) == 0 {
		t.Errorf("injected is another informer than the factory's, of %d", len(informers))
	}
}
