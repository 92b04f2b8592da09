package push_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/push"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// twoReadings are documents that a reader who knows exact names takes for another than a reader who takes names in any case,
// or the last of two. Each is that of TestOneReading with one thing put in.
var twoReadings = []struct{ name, document, at, in, text string }{
	{"layers in another case", "manifest", `"layers":`, `"Layers":[],"layers":`, `"Layers" differs from "layers" only by case`},
	{"layers twice", "manifest", `"layers":`, `"layers":[],"layers":`, `"layers" is given twice`},
	{"layers escaped", "manifest", `"layers":`, `"l\u0061yers":[],"layers":`, `"layers" is given twice`},
	{"layers with a long s", "manifest", `"layers":`, `"layerſ":[],"layers":`, `differs from "layers"`},
	{"a subject in another case", "manifest", `"annotations":`, `"Subject":null,"annotations":`, "only by case"},
	{"a media type twice", "manifest", `"mediaType":`, `"mediaType":"x","mediaType":`, `"mediaType" is given twice`},
	{"a schema version in another case", "manifest", `"schemaVersion":`, `"schemaversion":1,"schemaVersion":`, "only by case"},
	{"a config in another case", "manifest", `"config":`, `"CONFIG":{},"config":`, "only by case"},
	{"manifests in an image", "manifest", `"config":`, `"Manifests":[],"config":`, "only by case"},
	{"an artifact type in another case", "manifest", `"config":`, `"ArtifactType":"x","config":`, "only by case"},
	{"an unknown name twice", "manifest", `"config":`, `"x":1,"x":2,"config":`, `"x" is given twice`},
	{"an unknown name twice, far down", "manifest", `"config":`, `"x":[[{"y":{"z":1,"z":1}}]],"config":`, `"z" is given twice`},
	{"foreign URLs in another case", "manifest", `"size":`, `"URLs":["https://evil.example.com/x"],"size":`, "only by case"},
	{"a digest twice", "manifest", `"digest":`, `"digest":"sha256:x","digest":`, `"digest" is given twice`},
	{"a size in another case", "manifest", `"digest":`, `"Size":1,"digest":`, "only by case"},
	{"a layer's annotation twice", "manifest", `"digest":`, `"annotations":{"a":"1","a":"2"},"digest":`, `"a" is given twice`},
	{"a platform in another case", "manifest", `"digest":`, `"platform":{"OS":"linux"},"digest":`, "only by case"},
	{"annotations in another case", "manifest", `"annotations":`, `"Annotations":{"quay.expires-after":""},"annotations":`, "only by case"},
	{"the label in another case", "manifest", `"quay.expires-after":`, `"Quay.Expires-After":"","quay.expires-after":`, "only by case"},
	{"the label twice", "manifest", `"quay.expires-after":`, `"quay.expires-after":"","quay.expires-after":`, "is given twice"},
	{"a config's config in another case", "config", `"config":`, `"Config":{"Labels":{}},"config":`, "only by case"},
	{"a config's config twice", "config", `"config":`, `"config":{"Labels":{}},"config":`, "is given twice"},
	{"labels in another case", "config", `"Labels":`, `"labels":{},"Labels":`, "only by case"},
	{"a config's label twice", "config", `"Labels":{`, `"Labels":{"quay.expires-after":"1d","quay.expires-after":"",`, "is given twice"},
	{"diff_ids in another case", "config", `"diff_ids":`, `"Diff_IDs":[],"diff_ids":`, "only by case"},
	{"history in another case", "config", `"history":`, `"History":[],"history":`, "only by case"},
	{"an empty layer in another case", "config", `"empty_layer":`, `"Empty_Layer":false,"empty_layer":`, "only by case"},
	{"an index's manifests in another case", "index", `"manifests":`, `"Manifests":[],"manifests":`, "only by case"},
	{"an index's manifests twice", "index", `"manifests":`, `"manifests":[],"manifests":`, "is given twice"},
	{"a platform's architecture twice", "index", `"digest":`, `"platform":{"architecture":"a","architecture":"b"},"digest":`, "is given twice"},
	{"a name twice", "index", `"digest":`, `"annotations":{"org.opencontainers.image.ref.name":"a","org.opencontainers.image.ref.name":"b"},"digest":`, "is given twice"},
}

// Nobody may push what Quay reads in another way than it was checked here.
func TestOneReading(t *testing.T) {
	for _, test := range twoReadings {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			f.opts.RequireRetention = true
			spoil := func(document, content string) string {
				if document != test.document {
					return content
				}
				spoilt := strings.Replace(content, test.at, test.in, 1)
				if spoilt == content {
					t.Fatalf("%s has no %s: %s", document, test.at, content)
				}
				return spoilt
			}
			f.writeDocuments(spoil)
			reason := f.fail(failure.ClassSourceRefused)
			if !strings.Contains(reason.Error(), test.text) {
				t.Errorf("the error is %q, want %q in it", reason, test.text)
			}
			if !strings.Contains(reason.Next, "give each field once") || strings.Contains(reason.Next, "again") {
				t.Errorf("the next step is %q", reason.Next)
			}
			if n := f.count("PUT", ""); n > 0 {
				t.Errorf("%d PUTs", n)
			}
		})
	}
}

// writeDocuments writes a layout with one image of one layer, each document as with makes it.
func (f *fixture) writeDocuments(with func(document, content string) string) descriptor {
	f.t.Helper()
	text := func(d descriptor) string {
		return fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":%d}`, d.MediaType, d.Digest, d.Size)
	}
	config := addBlob(f.t, f.layout, mediaConfig, []byte(with("config",
		`{"os":"linux","config":{"Labels":{"a":"b"}},"rootfs":{"type":"layers","diff_ids":[]},"history":[{"empty_layer":true}]}`)))
	layer := addBlob(f.t, f.layout, mediaLayer, []byte("a layer"))
	image := addBlob(f.t, f.layout, mediaManifest, []byte(with("manifest", `{"schemaVersion":2,"mediaType":"`+mediaManifest+`","config":`+text(config)+
		`,"layers":[`+text(layer)+`],"annotations":{"quay.expires-after":""}}`)))
	write(f.t, filepath.Join(f.layout, "index.json"), []byte(with("index", `{"schemaVersion":2,"manifests":[`+text(image)+`]}`)))
	return image
}

// What nobody could read in two ways goes along, known or not, byte by byte.
func TestUnknownFieldsArePushed(t *testing.T) {
	f := newFixture(t)
	image := f.writeDocuments(func(document, content string) string {
		return strings.Replace(strings.Replace(content, `{"a":"b"`, `{"name":"x","Name":"y","Layers":"z","os":"","OS":"","a":"b"`, 1),
			`"schemaVersion":2`, `"future":{"x":[1.5e9,true,null,"\"}]"]},"Future":1, "schemaVersion" : 2 `, 1)
	})
	if got := f.push(); got.Digest != image.Digest {
		t.Errorf("Push = %s, want %s", got.Digest, image.Digest)
	}
	want, err := os.ReadFile(blobFile(f.layout, image.Digest))
	if err != nil {
		t.Fatal(err)
	}
	if got, _, _ := f.Manifest("team-a/app", "v1"); string(got) != string(want) || !strings.Contains(string(got), `"Future":1`) {
		t.Errorf("the manifest is %s, want %s", got, want)
	}
}

// A docker-archive's documents are read by their exact names, too.
func TestOneReadingOfDockerArchive(t *testing.T) {
	layer := layerOf(1, small)
	config := string(savedConfig(t, layer))
	for _, test := range []struct{ name, manifest, config, text string }{
		{"Layers in another case", `[{"Config":"c","layers":[],"Layers":["l"]}]`, config, `"layers" differs from "Layers" only by case`},
		{"a Config twice", `[{"Config":"c","Config":"c","Layers":["l"]}]`, config, `"Config" is given twice`},
		{"RepoTags in another case", `[{"Config":"c","Layers":["l"],"repotags":["a:b"]}]`, config, "only by case"},
		{"diff_ids twice", `[{"Config":"c","Layers":["l"]}]`, strings.Replace(config, `"diff_ids":`, `"diff_ids":[],"diff_ids":`, 1), "is given twice"},
		{"a rootfs in another case", `[{"Config":"c","Layers":["l"]}]`, strings.Replace(config, `"rootfs":`, `"RootFS":{},"rootfs":`, 1), "only by case"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			f.archived("docker-archive:", tarEntry{name: "manifest.json", content: []byte(test.manifest)}, tarEntry{name: "c", content: []byte(test.config)}, tarEntry{name: "l", content: layer})
			if reason := f.fail(failure.ClassSourceRefused); !strings.Contains(reason.Error(), test.text) {
				t.Errorf("the error is %q, want %q in it", reason, test.text)
			}
		})
	}
}

// An entry of a docker-archive that can be read in two ways is no reason not to push another one that is chosen.
func TestOneReadingOfTheChosenEntry(t *testing.T) {
	f := newFixture(t)
	layer := layerOf(1, small)
	config := savedConfig(t, layer)
	file := f.archived("docker-archive:", tarEntry{name: "c", content: config}, tarEntry{name: "l", content: layer}, tarEntry{name: "manifest.json",
		content: []byte(`[{"Config":"c","Config":"c","Layers":["l"]},{"Config":"c","RepoTags":["a:b"],"Layers":["l"]}]`)})
	for _, choice := range []string{":a:b", ":@1"} {
		f.opts.Source = "docker-archive:" + file + choice
		f.push()
		if got := f.pushedManifest().Config.Digest; got != digestOf(config) {
			t.Errorf("the config of %s is %s, want %s", choice, got, digestOf(config))
		}
	}
	for _, choice := range []string{"", ":@0", ":a:c"} {
		f.opts.Source = "docker-archive:" + file + choice
		if _, err := push.Push(t.Context(), f.opts); failure.ExitCode(err) != failure.ClassSourceRefused.Exit || !strings.Contains(err.Error(), `its entry 0: the field "Config" is given twice`) {
			t.Errorf("pushing %q = %v", choice, err)
		}
	}
}

// A registry is as much a stranger as a directory is.
func TestOneReadingOfRemote(t *testing.T) {
	for _, test := range []struct{ name, body, text string }{
		{"layers twice", `{"schemaVersion":2,"layers":[],"layers":[]}`, `"layers" is given twice`},
		{"layers in another case", `{"schemaVersion":2,"layers":[],"LAYERS":[]}`, "only by case"},
		{"nothings", `{"schemaVersion":2,"layers":[` + strings.Repeat("{},", 30_000) + `{}]}`, "more than 20000 elements"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			u := newUpstream(t, f)
			u.Faults.Add(quaytest.Fault{Name: test.name, Method: "GET", Path: "/manifests/", Times: -1,
				Effect: quaytest.Status(200, map[string][]string{"Content-Type": {mediaManifest}}, test.body)})
			if reason := f.fail(failure.ClassSourceRefused); !strings.Contains(reason.Error(), test.text) {
				t.Errorf("the error is %q, want %q in it", reason, test.text)
			}
		})
	}
}
