package push_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/push"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

const refName = "org.opencontainers.image.ref.name"

// named is d under a name in an index.json.
func named(d descriptor, name string) descriptor {
	d.Annotations = map[string]string{refName: name}
	return d
}

// beside are entries of an index.json that have nothing to do with the image that is chosen.
var beside = map[string]func(t *testing.T, dir string) descriptor{
	"a document of another type": func(t *testing.T, dir string) descriptor {
		return addBlob(t, dir, "application/xml", []byte("<x/>"))
	},
	"an image that is gone": func(t *testing.T, dir string) descriptor {
		d := writeImage(t, dir, `{"os":"plan9"}`, 9)
		remove(t, blobFile(dir, d.Digest))
		return named(d, "other")
	},
	"an image without its blobs": func(t *testing.T, dir string) descriptor {
		d := writeImage(t, dir, `{"os":"plan9"}`, 9)
		remove(t, blobFile(dir, layers(t, dir, d)[0].Digest))
		return named(d, "other")
	},
	"an image that is other content": func(t *testing.T, dir string) descriptor {
		d := writeImage(t, dir, `{"os":"plan9"}`, 9)
		write(t, blobFile(dir, d.Digest), []byte("{}"))
		return named(d, "other")
	},
	"a foreign layer": func(t *testing.T, dir string) descriptor {
		layer := addBlob(t, dir, "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", []byte("x"))
		return named(manifestOf(t, dir, map[string]any{"layers": []descriptor{layer}}), "other")
	},
	"sha512": func(*testing.T, string) descriptor {
		return named(descriptor{MediaType: mediaManifest, Digest: "sha512:" + strings.Repeat("a", 128), Size: 5}, "other")
	},
	"an algorithm that nobody knows": func(*testing.T, string) descriptor {
		return named(descriptor{MediaType: mediaManifest, Digest: "blake3:" + strings.Repeat("a", 64), Size: 5}, "other")
	},
	"no digest": func(*testing.T, string) descriptor {
		return named(descriptor{MediaType: mediaManifest, Size: 5}, "other")
	},
	"a negative size": func(*testing.T, string) descriptor {
		return named(descriptor{MediaType: mediaManifest, Digest: digestOf([]byte("x")), Size: -1}, "other")
	},
	"a size of petabytes": func(*testing.T, string) descriptor {
		return named(descriptor{MediaType: mediaManifest, Digest: digestOf([]byte("x")), Size: 1 << 60}, "other")
	},
	"Docker schema 1": func(t *testing.T, dir string) descriptor {
		const schema1 = "application/vnd.docker.distribution.manifest.v1+json"
		return named(addJSON(t, dir, schema1, map[string]any{"schemaVersion": 1}), "other")
	},
	"an old artifact": func(t *testing.T, dir string) descriptor {
		const artifact = "application/vnd.oci.artifact.manifest.v1+json"
		return addJSON(t, dir, artifact, map[string]any{"blobs": []descriptor{}})
	},
	"a field twice": func(t *testing.T, dir string) descriptor {
		return named(addBlob(t, dir, mediaManifest, []byte(`{"schemaVersion":2,"config":{},"config":{}}`)), "other")
	},
	"the same image under another name": func(t *testing.T, dir string) descriptor {
		return named(writeImage(t, dir, `{"architecture":"amd64","os":"linux"}`, small), "other")
	},
	"the same image under the same name": func(t *testing.T, dir string) descriptor {
		return named(writeImage(t, dir, `{"architecture":"amd64","os":"linux"}`, small), "v1")
	},
}

// Whatever else a layout has, it is no reason not to push the image that is named.
func TestOnlyTheChosenImageIsLookedAt(t *testing.T) {
	for name, other := range beside {
		for _, transport := range []string{"oci:", "oci-archive:"} {
			t.Run(transport+name, func(t *testing.T) {
				f := newFixture(t)
				image := named(writeImage(t, f.layout, `{"architecture":"amd64","os":"linux"}`, small), "v1")
				writeIndex(t, f.layout, other(t, f.layout), image)
				if transport == "oci-archive:" {
					f.archived(transport, entriesOf(t, f.layout)...)
				}
				source := f.opts.Source
				for _, choice := range []string{":v1", ":@1", ":@" + image.Digest} {
					f.opts.Source = source + choice
					if got := f.push(); got.Digest != image.Digest {
						t.Errorf("Push of %s = %s, want %s", f.opts.Source, got.Digest, image.Digest)
					}
				}
			})
		}
	}
}

// Of two entries one can be read in two ways: that is no reason not to push the other, and one to take neither unasked.
func TestEntryWithTwoReadings(t *testing.T) {
	for _, field := range []string{`"size":1,"size":2`, `"Size":7`, `"annotations":{"a":"1","a":"2"}`, `"annotations":{"` + refName + `":"v1","` + refName + `":"v2"}`,
		`"platform":{"OS":"linux"}`, `"x":[{"y":1,"y":2}]`, `"digest":"` + digestOf(nil) + `","digest":"` + digestOf(nil) + `"`, `"size":"7"`} {
		f := newFixture(t)
		image := named(writeImage(t, f.layout, `{"os":"linux"}`, small), "v1")
		broken := `{"mediaType":"` + mediaManifest + `",` + field + `}`
		write(t, filepath.Join(f.layout, "index.json"), []byte(`{"schemaVersion":2,"manifests":[`+broken+`,`+string(marshal(t, image))+`]}`))
		for _, choice := range []string{":v1", ":@1", ":@" + image.Digest} {
			f.log = &buffer{}
			f.opts.LogOutput = f.log
			f.opts.Source = "oci:" + f.layout + choice
			if got := f.push(); got.Digest != image.Digest {
				t.Errorf("%s: Push of %s = %s, want %s", field, choice, got.Digest, image.Digest)
			}
			if text := f.log.String(); !strings.Contains(text, "its entry 0") {
				t.Errorf("%s: the log does not name the entry that was left out: %s", field, text)
			}
		}
		remove(t, filepath.Join(f.results, "IMAGE_URL"))
		for _, choice := range []string{"", ":@0", ":v2"} {
			f.opts.Source = "oci:" + f.layout + choice
			_, err := push.Push(t.Context(), f.opts)
			if class := failure.ExitCode(err); class != failure.ClassSourceRefused.Exit && field != `"size":"7"` || class != failure.ClassSourceCorrupt.Exit && field == `"size":"7"` {
				t.Errorf("%s: pushing %q = %v", field, choice, err)
			}
		}
	}
}

// The faults of the chosen image are told, those of its signature among them.
func TestFaultsOfTheChosenImage(t *testing.T) {
	f := newFixture(t)
	image := named(writeImage(t, f.layout, `{"os":"linux"}`, small), "v1")
	signature := manifestOf(t, f.layout, map[string]any{"subject": image, "layers": []descriptor{addBlob(t, f.layout, mediaLayer, []byte("signed"))}})
	writeIndex(t, f.layout, image, signature)
	f.opts.Source = "oci:" + f.layout + ":v1"
	remove(t, blobFile(f.layout, digestOf([]byte("signed"))))
	reason := f.fail(failure.ClassSourceMissing)
	if want := fmt.Sprintf("manifest %q", signature.Digest); !strings.Contains(reason.Problem, want) {
		t.Errorf("the problem is %q, want %q in it", reason.Problem, want)
	}
	// A manifest that cannot be read may be a referrer, which nobody can know: that is said.
	remove(t, blobFile(f.layout, signature.Digest))
	f.push()
	if text := f.log.String(); !strings.Contains(text, "refers to it") || !strings.Contains(text, strings.TrimPrefix(signature.Digest, "sha256:")) {
		t.Errorf("the log does not name the manifest that was left out: %s", text)
	}
}

// More entries than an image may have manifests are no reason to refuse one of them.
func TestChoosingAmongMany(t *testing.T) {
	f := newFixture(t)
	many := make([]descriptor, 700)
	for i := range many {
		many[i] = named(writeImage(t, f.layout, fmt.Sprintf(`{"os":"%d"}`, i), 7), fmt.Sprintf("v%d", i))
	}
	writeIndex(t, f.layout, many...)
	for choice, at := range map[string]int{":v0": 0, ":v699": 699, ":@650": 650} {
		f.opts.Source = "oci:" + f.layout + choice
		if got := f.push(); got.Digest != many[at].Digest {
			t.Errorf("Push of %s = %s, want %s", choice, got.Digest, many[at].Digest)
		}
	}
	f.opts.Source = "oci:" + f.layout
	if reason := f.fail(failure.ClassSourceRefused); !strings.Contains(reason.Next, ":@N") {
		t.Errorf("the next step is %q", reason.Next)
	}
}

// An entry may leave its media type to the manifest.
func TestEntryWithoutMediaType(t *testing.T) {
	for name, members := range map[string]map[string]any{
		"the manifest has it": {"mediaType": mediaManifest}, "nobody has it": {},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			members["schemaVersion"], members["layers"] = 2, []descriptor{}
			members["config"] = addBlob(t, f.layout, mediaConfig, []byte(`{"os":"linux"}`))
			image := addJSON(t, f.layout, "", members)
			writeIndex(t, f.layout, image)
			f.push()
			if _, mediaType, _ := f.Manifest("team-a/app", "v1"); mediaType != mediaManifest {
				t.Errorf("the manifest is of type %q, want %q", mediaType, mediaManifest)
			}
			index := addJSON(t, f.layout, "", map[string]any{"schemaVersion": 2, "manifests": []descriptor{{MediaType: mediaManifest, Digest: image.Digest, Size: image.Size}}})
			writeIndex(t, f.layout, named(index, "index"), image)
			f.opts.Source, f.opts.Tags = "oci:"+f.layout+":index", []string{"v2"}
			f.push()
			if _, mediaType, _ := f.Manifest("team-a/app", "v2"); mediaType != mediaIndex {
				t.Errorf("the index is of type %q, want %q", mediaType, mediaIndex)
			}
		})
	}
}

// An artifact is pushed where it is all that there is, or is chosen; its subject is in the registry already.
func TestArtifactWithASubjectAlone(t *testing.T) {
	f := newFixture(t)
	image := writeImage(t, f.layout, `{"os":"linux"}`, small)
	sbom := manifestOf(t, f.layout, map[string]any{"artifactType": "application/spdx+json", "subject": image})
	writeIndex(t, f.layout, sbom)
	if got := f.push(); got.Digest != sbom.Digest {
		t.Errorf("Push = %s, want %s", got.Digest, sbom.Digest)
	}
	other := manifestOf(t, f.layout, map[string]any{"artifactType": "application/vnd.in-toto+json", "subject": image})
	writeIndex(t, f.layout, named(sbom, "sbom"), other)
	reason := f.fail(failure.ClassSourceRefused)
	for _, want := range []string{"2 artifacts with a subject", `":sbom"`, `":@1"`} {
		if !strings.Contains(reason.Problem, want) {
			t.Errorf("the problem is %q, want %q in it", reason.Problem, want)
		}
	}
	for choice, want := range map[string]string{":sbom": sbom.Digest, ":@1": other.Digest} {
		f.opts.Source = "oci:" + f.layout + choice
		if got := f.push(); got.Digest != want {
			t.Errorf("Push of %s = %s, want %s", choice, got.Digest, want)
		}
	}
}

// Who has to choose is shown what there is to choose from, in the words that choose it.
func TestWhatThereIsToChoose(t *testing.T) {
	for _, test := range []struct {
		name, choice string
		names        []string
		class        failure.Class
		text         []string
	}{
		{"two without a name", "", []string{"", ""}, failure.ClassSourceRefused, []string{"2 images", `":@0", ":@1"`}},
		{"two names", "", []string{"a", "b"}, failure.ClassSourceRefused, []string{`":a", ":b"`}},
		{"another name", ":c", []string{"a", ""}, failure.ClassSourceMissing, []string{`no image named "c"`, `":a", ":@1"`}},
		{"many names", ":x", []string{"a", "b", "c", "d", "e", "f", "g"}, failure.ClassSourceMissing, []string{`":e" and 2 more`}},
		{"a name of a stranger", ":x", []string{"\x1b[31m" + strings.Repeat("a", 200)}, failure.ClassSourceMissing, []string{`":\x1b[31maaa`, "…"}},
		{"a name of two images", ":a", []string{"a", "a"}, failure.ClassSourceRefused, []string{"2 images"}},
		{"a place that is none", ":@2", []string{"a", "b"}, failure.ClassSourceMissing, []string{`no image named "@2"`}},
		{"a digest that is none", ":@" + digestOf(nil), []string{"a", "b"}, failure.ClassSourceMissing, []string{`":a", ":b"`}},
		{"no place", ":@x", []string{"a"}, failure.ClassUsage, []string{`":@x"`, "neither a place"}},
		{"a negative place", ":@-1", []string{"a"}, failure.ClassUsage, []string{"neither a place"}},
		{"half a digest", ":@sha256:00", []string{"a"}, failure.ClassUsage, []string{"nor a digest"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			var entries []descriptor
			for i, name := range test.names {
				d := writeImage(t, f.layout, fmt.Sprintf(`{"os":"%d"}`, i), 7)
				if name != "" {
					d = named(d, name)
				}
				entries = append(entries, d)
			}
			writeIndex(t, f.layout, entries...)
			f.opts.Source = "oci:" + f.layout + test.choice
			reason := f.fail(test.class)
			for _, want := range test.text {
				if !strings.Contains(reason.Problem, want) {
					t.Errorf("the problem is %q, want %q in it", reason.Problem, want)
				}
			}
			if test.class != failure.ClassUsage && !strings.Contains(reason.Next, ":REF behind the path in --source (param source)") {
				t.Errorf("the next step is %q", reason.Next)
			}
			if len(reason.Problem) > 900 {
				t.Errorf("the problem has %d bytes", len(reason.Problem))
			}
		})
	}
}

// A name that several images have chooses none of them: each is told by what does, and a name is no next step.
func TestNameOfSeveralImages(t *testing.T) {
	f := newFixture(t)
	a, b, c := writeImage(t, f.layout, `{"os":"a"}`, 7), writeImage(t, f.layout, `{"os":"b"}`, 7), writeImage(t, f.layout, `{"os":"c"}`, 7)
	writeIndex(t, f.layout, named(a, "v1"), named(c, "v2"), named(b, "v1"))
	f.opts.Source = "oci:" + f.layout + ":v1"
	reason := f.fail(failure.ClassSourceRefused)
	if want := fmt.Sprintf(`has 2 images named "v1": ":@0 (%s)", ":@2 (%s)"`, a.Digest, b.Digest); !strings.HasSuffix(reason.Problem, want) {
		t.Errorf("the problem is %q, want %q at its end", reason.Problem, want)
	}
	if strings.Contains(reason.Next, "its name") || !strings.Contains(reason.Next, ":@N") {
		t.Errorf("the next step is %q", reason.Next)
	}
	// Who named none is shown what chooses one, too.
	f.opts.Source = "oci:" + f.layout
	if want := fmt.Sprintf(`has 3 images: ":@0 (%s)", ":v2", ":@2 (%s)"`, a.Digest, b.Digest); !strings.HasSuffix(f.fail(failure.ClassSourceRefused).Problem, want) {
		t.Errorf("the problem is %q, want %q at its end", f.fail(failure.ClassSourceRefused).Problem, want)
	}
	for choice, want := range map[string]string{":@0": a.Digest, ":@2": b.Digest, ":v2": c.Digest} {
		f.opts.Source = "oci:" + f.layout + choice
		if got := f.push(); got.Digest != want {
			t.Errorf("Push of %s = %s, want %s", choice, got.Digest, want)
		}
	}
}

// docker save has one platform of an index and names all of them: its other half says which one is there.
func TestSparseArchive(t *testing.T) {
	f := newFixture(t)
	content := layerOf(1, small)
	config := savedConfig(t, content)
	layer, saved := addBlob(t, f.layout, mediaLayer, gzipped(t, content)), addBlob(t, f.layout, mediaConfig, config)
	here := manifestOf(t, f.layout, map[string]any{"config": saved, "layers": []descriptor{layer}})
	gone := writeImage(t, f.layout, `{"architecture":"arm64"}`, 7)
	writeIndex(t, f.layout, addJSON(t, f.layout, mediaIndex, map[string]any{"schemaVersion": 2, "manifests": []descriptor{here, gone}}))
	remove(t, blobFile(f.layout, gone.Digest))
	inArchive := func(d descriptor) string { return "blobs/" + strings.Replace(d.Digest, ":", "/", 1) }
	entries := append(entriesOf(t, f.layout), tarEntry{name: "manifest.json",
		content: marshal(t, []savedImage{{Config: inArchive(saved), RepoTags: []string{"app:v1"}, Layers: []string{inArchive(layer)}}})})
	for _, transport := range []string{"", "oci-archive:"} {
		path := strings.TrimPrefix(f.archived(transport, entries...), transport)
		reason := f.fail(failure.ClassSourceMissing)
		if want := "--source docker-archive:" + path; !strings.Contains(reason.Next, want) {
			t.Errorf("the next step is %q, want %q in it", reason.Next, want)
		}
		f.opts.Source = "docker-archive:" + path
		f.push()
	}
	// A layout that docker save did not write has no other half.
	f.opts.Source = "oci:" + f.layout
	if reason := f.fail(failure.ClassSourceMissing); strings.Contains(reason.Next, "docker-archive") {
		t.Errorf("the next step is %q", reason.Next)
	}
}

// BuildKit's cache is an index whose children are layers.
func TestCacheIndex(t *testing.T) {
	f := newFixture(t)
	cache := addJSON(t, f.layout, mediaIndex, map[string]any{"schemaVersion": 2, "manifests": []descriptor{
		addBlob(t, f.layout, mediaLayer, gzipped(t, []byte("x"))), addBlob(t, f.layout, "application/vnd.buildkit.cacheconfig.v0", []byte("{}"))}})
	writeIndex(t, f.layout, cache)
	reason := f.fail(failure.ClassSourceRefused)
	if !strings.Contains(reason.Problem, cache.Digest) || !strings.Contains(reason.Problem, "BuildKit") || !strings.Contains(reason.Next, "image-manifest=true") {
		t.Errorf("the error is %q", reason)
	}
}

// What one manifest of many has wrong is told with its digest, and a config is called one.
func TestFaultNamesItsManifest(t *testing.T) {
	f := newFixture(t)
	good := writeImage(t, f.layout, `{"os":"linux"}`, small)
	for name, spoil := range map[string]func() descriptor{
		"schema version": func() descriptor { return addJSON(t, f.layout, mediaManifest, map[string]any{"schemaVersion": 3}) },
		"no JSON":        func() descriptor { return addBlob(t, f.layout, mediaManifest, []byte("\x1f\x8b")) },
		"a blob": func() descriptor {
			d := writeImage(t, f.layout, `{"os":"plan9"}`, 9)
			remove(t, blobFile(f.layout, layers(t, f.layout, d)[0].Digest))
			return d
		},
	} {
		bad := spoil()
		writeIndex(t, f.layout, addJSON(t, f.layout, mediaIndex, map[string]any{"schemaVersion": 2, "manifests": []descriptor{good, bad}}))
		_, err := push.Push(t.Context(), f.opts)
		if want := fmt.Sprintf("manifest %q: ", bad.Digest); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q in it", name, err, want)
		}
	}
	large := addBlob(t, f.layout, mediaConfig, append([]byte(`{"x":"`), append([]byte(strings.Repeat("x", 4<<20)), `"}`...)...))
	writeIndex(t, f.layout, manifestOf(t, f.layout, map[string]any{"config": large}))
	if reason := f.fail(failure.ClassSourceRefused); !strings.Contains(reason.Problem, fmt.Sprintf("config %q has", large.Digest)) || strings.Contains(reason.Next, "manifest") {
		t.Errorf("the error is %q", reason)
	}
}
