package manifest_test

import (
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/comptech-lab/quay-push/release/manifest"
)

// What the page needs is in the file: the Quay, and whatever each team has but its Secret, in that team's namespace.
func TestTutorialFile(t *testing.T) {
	content, err := manifest.TutorialFile("../..", map[string]string{
		module + "test/quaytest": "r/quaytest@sha256:0", module + "test/build": "r/build@sha256:1"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"ClusterRoleBinding /quay-reads-issuer", "Deployment quay/quay", "Namespace /quay", "Service quay/quay"}
	for _, namespace := range []string{"apps-payments-checkout", "apps-platform-sample"} {
		want = append(want, "Namespace /"+namespace)
		for _, object := range []string{"Role %s/quay-push-secret", "RoleBinding %s/quay-push-secret", "ServiceAccount %s/pipeline", "Task %s/build-image"} {
			want = append(want, strings.ReplaceAll(object, "%s", namespace))
		}
	}
	got, labels, images := []string{}, map[string]string{}, map[string]int{}
	for document := range strings.SplitSeq(strings.TrimPrefix(string(content), "---\n"), "\n---\n") {
		object, err := yaml.Parse(document)
		if err != nil {
			t.Fatalf("%v in\n%s", err, document)
		}
		got = append(got, object.GetKind()+" "+object.GetNamespace()+"/"+object.GetName())
		if object.GetKind() == "Namespace" {
			labels[object.GetName()] = object.GetLabels()["apps.platform/team"]
		}
		for line := range strings.Lines(document) {
			if image, ok := strings.CutPrefix(strings.TrimSpace(line), "image: "); ok {
				images[image]++
			}
		}
	}
	slices.Sort(want)
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("it has\n%q, want\n%q", got, want)
	}
	if want := map[string]string{"quay": "", "apps-payments-checkout": "payments", "apps-platform-sample": "platform"}; !maps.Equal(labels, want) {
		t.Errorf("the namespaces are of %v", labels)
	}
	if want := map[string]int{"r/quaytest@sha256:0": 1, "r/build@sha256:1": 2}; !maps.Equal(images, want) {
		t.Errorf("the images are %v", images)
	}
	for _, word := range []string{"NAMESPACE", "TEAM", "APP\n", "kind: Secret"} {
		if strings.Contains(string(content), word) {
			t.Errorf("it has %q", word)
		}
	}
}

func TestTutorialFileNamesWhatFails(t *testing.T) {
	for want, images := range map[string]map[string]string{
		`test/stage/quay.yaml": "ko://` + module + `test/quaytest" is no image of ko.yaml`:     {},
		`test/stage/build-image.yaml": "ko://` + module + `test/build" is no image of ko.yaml`: {module + "test/quaytest": "r/q@sha256:0"},
	} {
		if _, err := manifest.TutorialFile("../..", images); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("the error is %v, want %s", err, want)
		}
	}
	if _, err := manifest.TutorialFile(t.TempDir(), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without the files: %v", err)
	}
}
