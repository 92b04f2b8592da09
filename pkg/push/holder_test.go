package push_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// writePlatforms makes a layout of an index with an image for each platform, and returns all three.
func writePlatforms(t *testing.T, dir string) (index, amd64, arm descriptor) {
	t.Helper()
	amd64, arm = writeImage(t, dir, `{"os":"linux","architecture":"amd64"}`, small), writeImage(t, dir, `{"os":"linux","architecture":"arm"}`, 7, large)
	platform := func(d descriptor, of map[string]any) map[string]any {
		return map[string]any{"mediaType": d.MediaType, "digest": d.Digest, "size": d.Size, "platform": of}
	}
	index = addJSON(t, dir, mediaIndex, map[string]any{"schemaVersion": 2, "mediaType": mediaIndex, "manifests": []any{
		platform(amd64, map[string]any{"architecture": "amd64"}),
		platform(arm, map[string]any{"os": "linux", "architecture": "arm", "variant": "v7\x1b"}),
	}})
	writeIndex(t, dir, index)
	return index, amd64, arm
}

// Who reads that a blob is bad reads which manifest, and which platform, it is a part of: be it found while it is sent, or in a rehearsal.
func TestBadBlobNamesItsManifest(t *testing.T) {
	for name, set := range map[string]func(f *fixture){
		"sent": func(*fixture) {}, "rehearsed": func(f *fixture) { f.opts.DryRun = true },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			_, _, arm := writePlatforms(t, f.layout)
			layer := layers(t, f.layout, arm)[1]
			write(t, blobFile(f.layout, layer.Digest), []byte(strings.Repeat("x", large)))
			set(f)
			want := `manifest "` + arm.Digest + `" (platform "linux/arm/v7 "): blob "` + layer.Digest + `" hashes to`
			if reason := f.fail(failure.ClassSourceCorrupt); !strings.HasPrefix(reason.Problem, want) {
				t.Errorf("the problem is %q, want %q", reason.Problem, want)
			}
		})
	}
}

// A config that is bad is one of a manifest, too; what the index does not say of its platform is not told.
func TestBadConfigNamesItsManifest(t *testing.T) {
	f := newFixture(t)
	_, amd64, _ := writePlatforms(t, f.layout)
	body, err := os.ReadFile(blobFile(f.layout, amd64.Digest))
	if err != nil {
		t.Fatal(err)
	}
	start := bytes.Index(body, []byte("sha256:"))
	config := string(body[start : start+71])
	write(t, blobFile(f.layout, config), []byte(`{"os":"LINUX","architecture":"amd64"}`))
	want := `manifest "` + amd64.Digest + `" (platform "amd64"): config "` + config + `" hashes to`
	if reason := f.fail(failure.ClassSourceCorrupt); !strings.HasPrefix(reason.Problem, want) {
		t.Errorf("the problem is %q, want %q", reason.Problem, want)
	}
}

// A layer that several manifests share names the first, and how many there are; an image without an index has no platform.
func TestSharedBlobNamesItsManifests(t *testing.T) {
	f := newFixture(t)
	one, two := writeImage(t, f.layout, `{"os":"a"}`, large), writeImage(t, f.layout, `{"os":"b"}`, large)
	writeIndex(t, f.layout, addJSON(t, f.layout, mediaIndex, map[string]any{"schemaVersion": 2, "mediaType": mediaIndex, "manifests": []descriptor{one, two}}))
	layer := blobFile(f.layout, layers(t, f.layout, one)[0].Digest)
	write(t, layer, []byte(strings.Repeat("x", large)))
	if reason := f.fail(failure.ClassSourceCorrupt); !strings.HasPrefix(reason.Problem, `manifest "`+one.Digest+`" and 1 more: blob "`) {
		t.Errorf("the problem is %q", reason.Problem)
	}
	writeIndex(t, f.layout, two)
	if reason := f.fail(failure.ClassSourceCorrupt); !strings.HasPrefix(reason.Problem, `manifest "`+two.Digest+`": blob "`) {
		t.Errorf("the problem is %q", reason.Problem)
	}
}

// So it is for a source in a registry, where a blob is missing or is another one.
func TestBadRemoteBlobNamesItsManifest(t *testing.T) {
	for name, test := range map[string]struct {
		effect quaytest.Effect
		class  failure.Class
	}{
		"other":   {quaytest.Status(200, nil, strings.Repeat("\x1f", large)), failure.ClassSourceCorrupt},
		"missing": {quaytest.Status(404, nil, `{"errors":[{"code":"BLOB_UNKNOWN"}]}`), failure.ClassSourceMissing},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			u := newUpstream(t, f)
			dir := t.TempDir()
			index, _, arm := writePlatforms(t, dir)
			u.Faults.Add(quaytest.Fault{Name: name, Method: "GET", Path: "/blobs/" + layers(t, dir, arm)[1].Digest, Times: -1, Effect: test.effect})
			serves(u, dir, index)
			if reason := f.fail(test.class); !strings.HasPrefix(reason.Problem, `manifest "`+arm.Digest+`" (platform "linux/arm/v7 "): `) {
				t.Errorf("the problem is %q", reason.Problem)
			}
		})
	}
}
