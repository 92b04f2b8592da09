package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/comptech-lab/quay-push/pkg/reference"
	"github.com/comptech-lab/quay-push/pkg/retention"
)

// pods is a cluster as package retention sees it: all Pods of all namespaces need what they name by digest, and what runs in them; and so
// does what makes Pods, though it has none now, such as a CronJob between two runs, or a Deployment that is scaled to nothing.
type pods struct {
	// name is how the cluster is called.
	name string
	view *cluster
	// lost is why it cannot be asked.
	lost error
}

// Look implements retention.Source.
func (p pods) Look(ctx context.Context, _ time.Time) (d retention.Demand) {
	if p.lost != nil {
		d.Miss("", "Pods in "+p.name, p.lost)
		return d
	}
	core, apps, batch := p.view.Kube.CoreV1(), p.view.Kube.AppsV1(), p.view.Kube.BatchV1()
	type page = func(context.Context, metav1.ListOptions) (runtime.Object, error)
	for _, kind := range []struct {
		name string
		list page
	}{
		{"Pod", func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return core.Pods("").List(ctx, o)
		}},
		{"Deployment", func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return apps.Deployments("").List(ctx, o)
		}},
		{"StatefulSet", func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return apps.StatefulSets("").List(ctx, o)
		}},
		{"DaemonSet", func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return apps.DaemonSets("").List(ctx, o)
		}},
		{"CronJob", func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return batch.CronJobs("").List(ctx, o)
		}},
		{"Job", func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return batch.Jobs("").List(ctx, o)
		}},
	} {
		err := eachPage(ctx, kind.list, func(o runtime.Object) {
			of := o.(metav1.Object)
			for _, digest := range digestsOf(o) {
				d.Need(digest, fmt.Sprintf("%s %s/%s in %s", kind.name, of.GetNamespace(), of.GetName(), p.name))
			}
		})
		if err != nil {
			d.Miss("", kind.name+"s in "+p.name, err)
			return d
		}
	}
	return d
}

// digestsOf are all digests in what a Pod is to run, or what makes Pods, and in what its node says that it runs, wherever they stand there:
// in images, of volumes too, and in arguments. What its metadata say of an earlier time does not count.
func digestsOf(o runtime.Object) []string {
	whole, err := json.Marshal(o)
	parts := struct{ Spec, Status json.RawMessage }{}
	if err == nil {
		err = json.Unmarshal(whole, &parts)
	}
	if err != nil {
		panic(err) // It came as JSON.
	}
	return reference.Digests(string(parts.Spec) + "\n" + string(parts.Status))
}
