package cli

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comptech-lab/quay-push/pkg/onboard"
	"github.com/comptech-lab/quay-push/pkg/robot"
)

// mostFields is how many fields of an object are named.
const mostFields = 5

// differences says of each object of the manifests whether the cluster has it, and what apply would change in it.
func (c *cluster) differences(ctx context.Context, files []onboard.Manifest) ([]robot.Step, error) {
	steps := []robot.Step{}
	for _, m := range files {
		for _, o := range m.Objects {
			step, err := c.difference(ctx, o)
			if err != nil {
				return steps, err
			}
			steps = append(steps, step)
		}
	}
	return steps, nil
}

// difference says whether the cluster has an object, and which of its fields apply would change: those alone that the object has.
func (c *cluster) difference(ctx context.Context, o map[string]any) (robot.Step, error) {
	object := &unstructured.Unstructured{Object: o}
	name := objectName(object)
	step := robot.Step{ID: "object", Title: "have " + name + " as it is rendered", State: robot.Kept, Detail: "it is"}
	found, err := c.Dynamic.Resource(resourceOf(object)).Namespace(object.GetNamespace()).Get(ctx, object.GetName(), metav1.GetOptions{})
	switch {
	case apierrs.IsNotFound(err):
		step.State, step.Detail = robot.Pending, "it is missing"
	case apierrs.IsForbidden(err):
		step.State, step.Detail = robot.Pending, "you may not see it"
	case err != nil:
		return step, fmt.Errorf("reading %s: %w", name, err)
	default:
		if fields := differing("", o, found.Object); len(fields) > 0 {
			slices.Sort(fields)
			step.State, step.Detail = robot.Pending, "it differs in "+few(fields, mostFields)
		}
	}
	return step, nil
}

// objectName is the name of an object, as people read it.
func objectName(object *unstructured.Unstructured) string {
	return object.GetKind() + " " + strings.TrimPrefix(object.GetNamespace()+"/"+object.GetName(), "/")
}

// differing are the paths of the fields in which found is not as wanted. What wanted has not may be anything.
func differing(at string, wanted, found any) (fields []string) {
	object, isObject := wanted.(map[string]any)
	has, _ := found.(map[string]any)
	if !isObject {
		if !reflect.DeepEqual(wanted, found) {
			return []string{strings.TrimPrefix(at, ".")}
		}
		return nil
	}
	for key, value := range object {
		fields = append(fields, differing(at+"."+key, value, has[key])...)
	}
	return fields
}
