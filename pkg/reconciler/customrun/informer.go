package customrun

import (
	"context"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	tekton "github.com/tektoncd/pipeline/pkg/client/clientset/versioned"
	"github.com/tektoncd/pipeline/pkg/client/clientset/versioned/scheme"
	"github.com/tektoncd/pipeline/pkg/client/injection/informers/factory"
	filtered "github.com/tektoncd/pipeline/pkg/client/injection/informers/factory/filtered"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	kubescheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/cache"
	kubefactory "knative.dev/pkg/client/injection/kube/informers/factory"
	"knative.dev/pkg/injection"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/informer"
)

// TaskRunSelector selects the TaskRuns that the controller caches: its own, and those that say so.
const TaskRunSelector = v1alpha1.LabelManaged + "=true"

// Whoever makes the factory's informer of a type first has it shared. Informers are made after all factories are.
func init() {
	injection.Default.RegisterInformerFactory(func(ctx context.Context) context.Context {
		factory.Get(ctx).InformerFor(&v1beta1.CustomRun{}, newInformer)
		filtered.Get(ctx, TaskRunSelector).InformerFor(&pipelinev1.TaskRun{}, newTaskRunInformer)
		kubefactory.Get(ctx).InformerFor(&corev1.Namespace{}, newNamespaceInformer)
		return ctx
	})
}

// newInformer returns an informer of the CustomRuns that Ours holds of. The API server cannot leave out the others: Tekton's CRD
// declares no selectable fields. So they are left out before they are cached.
func newInformer(client tekton.Interface, resync time.Duration) cache.SharedIndexInformer {
	return informer.New(informer.Resource{Client: client.TektonV1beta1().RESTClient(), Codec: scheme.ParameterCodec, Name: "customruns"},
		resync, func(run *v1beta1.CustomRun) (*v1beta1.CustomRun, bool) { return slimCustomRun(run), Ours(run) })
}

func newTaskRunInformer(client tekton.Interface, resync time.Duration) cache.SharedIndexInformer {
	return informer.New(informer.Resource{Client: client.TektonV1().RESTClient(), Codec: scheme.ParameterCodec, Name: "taskruns", Selector: TaskRunSelector},
		resync, func(task *pipelinev1.TaskRun) (*pipelinev1.TaskRun, bool) { return slimTaskRun(task), true })
}

func newNamespaceInformer(client kubernetes.Interface, resync time.Duration) cache.SharedIndexInformer {
	return informer.New(informer.Resource{Client: client.CoreV1().RESTClient(), Codec: kubescheme.ParameterCodec, Name: "namespaces"},
		resync, func(namespace *corev1.Namespace) (*corev1.Namespace, bool) { return slimNamespace(namespace), true })
}
