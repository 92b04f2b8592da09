package push_test

import (
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// savedBoth makes a docker-archive of two images; the first one has the given names and stands twice in the list.
func savedBoth(t *testing.T, f *fixture, names ...string) (path string, one, two []byte) {
	t.Helper()
	one, two = savedConfig(t), savedConfig(t, layerOf(1, 10))
	path = f.archived("docker-archive:",
		tarEntry{name: "a.tar", content: layerOf(1, 10)},
		tarEntry{name: "one.json", content: one}, tarEntry{name: "two.json", content: two},
		tarEntry{name: "manifest.json", content: marshal(t, []savedImage{
			{Config: "one.json", RepoTags: names}, {Config: "one.json", RepoTags: names}, {Config: "two.json", Layers: []string{"a.tar"}}})})
	return path, one, two
}

// Docker leaves registry, library and latest out of a name, and so may who chooses by it.
func TestDockerArchiveNames(t *testing.T) {
	for saved, choices := range map[string][]string{
		"a:1":                         {"a:1", "library/a:1", "docker.io/a:1", "docker.io/library/a:1", "index.docker.io/library/a:1"},
		"docker.io/library/a:latest":  {"a", "a:latest", "docker.io/library/a"},
		"docker.io/team/a:1":          {"team/a:1"},
		"quay.test:8443/team/a:1":     {"quay.test:8443/team/a:1"},
		"localhost/a:1":               {"localhost/a:1"},
		"Not A Name That Is Possible": {"Not A Name That Is Possible"},
	} {
		f := newFixture(t)
		path, one, _ := savedBoth(t, f, saved)
		for _, choice := range choices {
			f.opts.Source = "docker-archive:" + path + ":" + choice
			f.push()
			if got := f.pushedManifest().Config.Digest; got != digestOf(one) {
				t.Errorf("%q of an image saved as %q: the config is %s, want %s", choice, saved, got, digestOf(one))
			}
		}
	}
}

// An image without a name is picked by its place; who names none that is there is told those that are.
func TestDockerArchiveChoices(t *testing.T) {
	f := newFixture(t)
	path, one, two := savedBoth(t, f, "a:1", "b:2")
	for choice, want := range map[string][]byte{":@0": one, ":@2": two} {
		f.opts.Source = "docker-archive:" + path + choice
		f.push()
		if got := f.pushedManifest().Config.Digest; got != digestOf(want) {
			t.Errorf("%s: the config is %s, want %s", choice, got, digestOf(want))
		}
		remove(t, f.results+"/IMAGE_URL")
	}
	for choice, class := range map[string]failure.Class{"": failure.ClassSourceRefused, ":c": failure.ClassSourceMissing, ":@3": failure.ClassSourceMissing} {
		f.opts.Source = "docker-archive:" + path + choice
		reason := f.fail(class)
		if !strings.Contains(reason.Problem, `":a:1", ":b:2"`) || !strings.Contains(reason.Problem, `":@2"`) || !strings.Contains(reason.Next, "RepoTags") {
			t.Errorf("%q: the error is %q", choice, reason)
		}
	}
}

// pzstd begins its frames with one that readers pass over.
func TestDockerArchiveWithSkippableFrames(t *testing.T) {
	f := newFixture(t)
	layer := layerOf(1, 5000)
	packed := append([]byte("\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"), zstandard(t, layer, 1<<20)...)
	f.archived("docker-archive:", tarEntry{name: "a.tar", content: packed}, tarEntry{name: "config.json", content: savedConfig(t, layer)},
		tarEntry{name: "manifest.json", content: marshal(t, []savedImage{{Config: "config.json", Layers: []string{"a.tar"}}})})
	f.push()
	if l := f.pushedManifest().Layers; len(l) != 1 || l[0].MediaType != mediaZstd || l[0].Digest != digestOf(packed) {
		t.Errorf("the layers are %v, want the one as it is", l)
	}
}
