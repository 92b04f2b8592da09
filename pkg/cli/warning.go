package cli

import (
	"context"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"

	"github.com/comptech-lab/quay-push/pkg/shown"
)

// warning is the newest warning in the Events of an object, on one line; empty if there is none, or the caller may not list them. Whoever
// may write Events in its namespace may have written it.
func (c *cluster) warning(ctx context.Context, object *unstructured.Unstructured) string {
	selector := fields.Set{"involvedObject.uid": string(object.GetUID()), "type": corev1.EventTypeWarning}
	list, err := c.Kube.CoreV1().Events(object.GetNamespace()).List(ctx, metav1.ListOptions{FieldSelector: selector.String()})
	if err != nil {
		return ""
	}
	var newest corev1.Event
	for _, e := range list.Items {
		if e.InvolvedObject.UID == object.GetUID() && e.Type == corev1.EventTypeWarning && !happened(e).Before(happened(newest)) {
			newest = e
		}
	}
	// Vault's own words come last, after the address that was asked.
	return shown.Cut(strings.Join(strings.Fields(shown.Plain(newest.Message)), " "), 600)
}

// happened is when an event did last.
func happened(e corev1.Event) time.Time {
	last := e.LastTimestamp.Time
	if e.Series != nil && e.Series.LastObservedTime.After(last) {
		last = e.Series.LastObservedTime.Time
	}
	if e.EventTime.After(last) {
		last = e.EventTime.Time
	}
	return last
}
