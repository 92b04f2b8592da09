package artifacthub

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	"golang.org/x/mod/semver"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// listed is what Artifact Hub shows of a package.
type listed struct {
	Version, DisplayName, Category, License, MinVersion string
	Keywords, Platforms, Images, Samples                []string
}

// Artifact Hub finds every package of the catalog, and all that it shows. The rules are those of internal/tracker/source/tekton/tekton.go in
// artifacthub/hub; at commit 0d8b1c0b that code itself, run on this catalog, listed each of these values.
func TestArtifactHubReads(t *testing.T) {
	dir := written(t)
	platforms := []string{"linux/amd64", "linux/arm64"}
	base := listed{Version: "0.1.0", Category: "integration-delivery", License: "Apache-2.0", MinVersion: "1.0.0", Platforms: platforms, Images: []string{push}}
	of := func(name, display string, edit func(*listed), keywords ...string) listed {
		p := base
		p.DisplayName, p.Keywords, p.Samples = display, keywords, []string{name + ".yaml"}
		edit(&p)
		return p
	}
	as := func(*listed) {}
	for kind, want := range map[string]map[string]listed{
		"task": {
			"build-image-buildah": of("build-image-buildah", "Build an image with buildah", func(p *listed) {
				p.Images = []string{"registry.redhat.io/rhel9/buildah@sha256:61eccd0b8b3a6b87233376e6529ce08e4e002d9bef07f27c8fb431a500947792"}
			}, "tekton", "task", "image", "build", "buildah"),
			"copy-image-quay":       of("copy-image-quay", "Push an image from a registry to Quay", as, "tekton", "task", "image", "push", "quay"),
			"push-image-quay":       of("push-image-quay", "Push an image to Quay", as, "tekton", "task", "image", "push", "quay"),
			"update-overlay-digest": of("update-overlay-digest", "Propose an image's digest to a GitOps repository", as, "tekton", "task", "gitops", "kustomize", "image", "digest"),
		},
		"stepaction": {
			// Of a StepAction it reads no image.
			"push-image": of("push-image", "Push an image to Quay", func(p *listed) { p.Images = nil }, "tekton", "stepaction", "image", "push", "quay"),
		},
	} {
		got := map[string]listed{}
		for _, entry := range list(t, filepath.Join(dir, kind)) {
			for _, version := range list(t, filepath.Join(dir, kind, entry)) {
				got[entry] = hubReads(t, filepath.Join(dir, kind, entry, version), entry, version, kind)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", kind, diff)
		}
	}
}

// list are the directories in dir.
func list(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if entry.IsDir() {
			names = append(names, entry.Name())
		}
	}
	return names
}

// hubReads reads the package, and fails where Artifact Hub would leave it out.
func hubReads(t *testing.T, dir, pkg, version, kind string) listed {
	t.Helper()
	var meta metav1.ObjectMeta
	description, images := "", []string(nil)
	switch kind {
	case "task":
		var task v1.Task
		read(t, filepath.Join(dir, pkg+".yaml"), &task)
		meta, description = task.ObjectMeta, task.Spec.Description
		for _, step := range task.Spec.Steps {
			if image := defaulted(task.Spec.Params, step.Image); !slices.Contains(images, image) {
				images = append(images, image)
			}
		}
	case "stepaction":
		var action v1beta1.StepAction
		read(t, filepath.Join(dir, pkg+".yaml"), &action)
		meta, description = action.ObjectMeta, action.Spec.Description
	}
	for _, image := range images {
		if _, err := name.ParseReference(image); err != nil {
			t.Errorf("%s: %v", dir, err)
		}
	}
	if meta.Name != pkg || meta.Labels["app.kubernetes.io/version"] != version || !semver.IsValid("v"+version) || description == "" {
		t.Errorf("%s has name %q, version %q, description %q", dir, meta.Name, meta.Labels["app.kubernetes.io/version"], description)
	}
	if readme, err := os.ReadFile(filepath.Join(dir, "README.md")); err != nil || !strings.HasPrefix(string(readme), "# "+pkg+"\n") {
		t.Errorf("%s: README %.20q, %v", dir, readme, err)
	}
	samples, err := filepath.Glob(filepath.Join(dir, "samples/*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range samples {
		samples[i] = filepath.Base(samples[i])
	}
	split := func(list string) (items []string) {
		for item := range strings.SplitSeq(list, ",") {
			items = append(items, strings.TrimSpace(item))
		}
		return items
	}
	a := meta.Annotations
	return listed{strings.TrimPrefix(semver.Canonical("v"+version), "v"), a["tekton.dev/displayName"], a["artifacthub.io/category"], a["artifacthub.io/license"],
		a["tekton.dev/pipelines.minVersion"], append([]string{"tekton", kind}, split(a["tekton.dev/tags"])...), split(a["tekton.dev/platforms"]), images, samples}
}

// defaulted is text with the default of the param that it names.
func defaulted(params v1.ParamSpecs, text string) string {
	return regexp.MustCompile(`\$\(params\.([^)]*)\)`).ReplaceAllStringFunc(text, func(found string) string {
		for _, p := range params {
			if found == "$(params."+p.Name+")" && p.Default != nil {
				return p.Default.StringVal
			}
		}
		return found
	})
}

func read(t *testing.T, file string, into any) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	decode(t, file, content, into)
}
