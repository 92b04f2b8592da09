package overlay

import (
	"reflect"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// imageFields lists the fields of a Pod that hold an image: those named image, and the reference of an image volume.
func imageFields(t reflect.Type, path []string) [][]string {
	var found [][]string
	switch t.Kind() {
	case reflect.Pointer:
		return imageFields(t.Elem(), path)
	case reflect.Slice:
		return imageFields(t.Elem(), append(path, "[0]"))
	case reflect.Struct:
		for i := range t.NumField() {
			name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
			here := path
			if name != "" {
				here = append(append([]string{}, path...), name)
			}
			if t.Field(i).Type.Kind() == reflect.String && (name == "image" || t == reflect.TypeFor[corev1.ImageVolumeSource]() && name == "reference") {
				found = append(found, here)
			}
			found = append(found, imageFields(t.Field(i).Type, here)...)
		}
	}
	return found
}

// Every image of a Pod that Kubernetes knows is seen, and so is one that it will know: then this test fails.
func TestIsPodImageKnowsKubernetes(t *testing.T) {
	fields := imageFields(reflect.TypeFor[corev1.PodSpec](), []string{"spec"})
	if len(fields) != 5 {
		t.Errorf("a Pod has images at %v", fields)
	}
	for _, path := range fields {
		// Rados block devices are called images too.
		if strings.Contains(strings.Join(path, "."), "rbd") {
			continue
		}
		if !isPodImage(path) {
			t.Errorf("the image at %v is not seen", path)
		}
	}
	for _, path := range [][]string{{"image"}, {"containers", "image"}, {"spec", "image"}, {"volumes", "[0]", "reference"}, {"reference"}, {"containers", "[0]", "name"}} {
		if isPodImage(path) {
			t.Errorf("there is an image at %v", path)
		}
	}
}
