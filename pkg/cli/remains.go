package cli

import (
	"context"
	"fmt"
	"time"

	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/comptech-lab/quay-push/pkg/externalsecret"
	"github.com/comptech-lab/quay-push/pkg/onboard"
	"github.com/comptech-lab/quay-push/pkg/robot"
)

// remain is an object that onboard rendered for a team.
type remain struct {
	resource              schema.GroupVersionResource
	kind, namespace, name string
}

func (r remain) String() string { return r.kind + " " + r.namespace + "/" + r.name }

// remains finds what onboard rendered for a team, by the labels that it has, but for the namespace, which is the team's. The
// ExternalSecret, or the ServiceAccount of a keyless team, is the last: by it the team is found when offboard is run again.
func (c *cluster) remains(ctx context.Context, t robot.Tenant) ([]remain, error) {
	found := []remain{}
	rbac := schema.GroupVersion{Group: "rbac.authorization.k8s.io", Version: "v1"}
	selector := labels.Set{onboard.PartOfLabel: onboard.PartOf, c.config.TeamLabel: t.Team}.String()
	for _, resource := range []schema.GroupVersionResource{
		rbac.WithResource("rolebindings"), rbac.WithResource("roles"), {Version: "v1", Resource: "resourcequotas"}} {
		err := eachPage(ctx, func(ctx context.Context, opts metav1.ListOptions) (runtime.Object, error) {
			opts.LabelSelector = selector
			return c.Dynamic.Resource(resource).List(ctx, opts)
		}, func(o runtime.Object) {
			object := o.(*unstructured.Unstructured)
			found = append(found, remain{resource, object.GetKind(), object.GetNamespace(), object.GetName()})
		})
		if err != nil {
			return nil, fmt.Errorf("listing %s of team %q: %w", resource.Resource, t.Team, err)
		}
	}
	if t.Keyless {
		return append(found, remain{schema.GroupVersionResource{Version: "v1", Resource: "serviceaccounts"}, "ServiceAccount", t.Namespace, t.Secret}), nil
	}
	_, err := c.Dynamic.Resource(externalsecret.Resource).Namespace(t.Namespace).Get(ctx, t.Secret, metav1.GetOptions{})
	if apierrs.IsNotFound(err) {
		return found, nil
	} else if err != nil {
		return nil, reading("ExternalSecret", t.Namespace, t.Secret, err)
	}
	return append(found, remain{externalsecret.Resource, "ExternalSecret", t.Namespace, t.Secret}), nil
}

// delete deletes it; that it is gone already is no error. For an ExternalSecret it waits, with a look every poll.
func (c *cluster) delete(ctx context.Context, r remain, poll time.Duration) error {
	err := c.Dynamic.Resource(r.resource).Namespace(r.namespace).Delete(ctx, r.name, metav1.DeleteOptions{})
	if err == nil && r.resource == externalsecret.Resource {
		err = c.waitUntilGone(ctx, r, poll)
	}
	if err != nil && !apierrs.IsNotFound(err) {
		return fmt.Errorf("deleting %s: %w", r, err)
	}
	return nil
}

// looksUntilGone is how often it is looked whether a deleted object is gone: for a minute.
const looksUntilGone = 30

// waitUntilGone waits until the API server has not the object any more. External Secrets keeps a finalizer on its own, and takes it away
// when it has deleted the Secret.
func (c *cluster) waitUntilGone(ctx context.Context, r remain, poll time.Duration) error {
	for looks := 1; ; looks++ {
		left, err := c.Dynamic.Resource(r.resource).Namespace(r.namespace).Get(ctx, r.name, metav1.GetOptions{})
		if err != nil {
			return err
		} else if looks == looksUntilGone {
			return &failure{ExitTimeout, fmt.Sprintf("its finalizers %q are still there", left.GetFinalizers()),
				"see that whoever put them there runs, as External Secrets takes its own away; then run it again"}
		}
		select {
		case <-time.After(poll):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
