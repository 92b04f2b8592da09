package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/comptech-lab/quay-push/pkg/reference"
	"github.com/comptech-lab/quay-push/pkg/retention"
)

// pods is a cluster as package retention sees it: all Pods of all namespaces need what they name by digest, and what runs in them.
type pods struct {
	// name is how the cluster is called.
	name string
	view *cluster
	// lost is why it cannot be asked.
	lost error
}

// Look implements retention.Source.
func (p pods) Look(ctx context.Context, _ time.Time) (d retention.Demand) {
	err := p.lost
	if err == nil {
		err = eachPage(ctx, func(ctx context.Context, opts metav1.ListOptions) (runtime.Object, error) {
			return p.view.Kube.CoreV1().Pods(metav1.NamespaceAll).List(ctx, opts)
		}, func(o runtime.Object) {
			pod := o.(*corev1.Pod)
			for _, digest := range digestsOf(pod) {
				d.Need(digest, fmt.Sprintf("Pod %s/%s in %s", pod.Namespace, pod.Name, p.name))
			}
		})
	}
	if err != nil {
		d.Miss("", "Pods in "+p.name, err)
	}
	return d
}

// digestsOf are all digests in what a Pod is to run, and in what its node says that it runs, wherever they stand there: in images, of
// volumes too, and in arguments.
func digestsOf(pod *corev1.Pod) []string {
	text, err := json.Marshal([]any{pod.Spec, pod.Status})
	if err != nil {
		panic(err) // It came as JSON.
	}
	return reference.Digests(text)
}
