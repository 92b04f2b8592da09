package push_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/internal/hostile"
	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// estargz is a layer of size bytes and a little more in two gzip members, the first of which has a few bytes: as eStargz begins.
func estargz(t *testing.T, size int) []byte {
	t.Helper()
	return hostile.Members(t, gzip.NoCompression, []byte("a directory"), noise(size))
}

// noise is what no compression makes smaller.
func noise(size int) []byte {
	content := make([]byte, size)
	rand.NewChaCha8([32]byte{29}).Read(content)
	return content
}

// layerOnly makes the layout's image one with that layer.
func (f *fixture) layerOnly(content []byte) descriptor {
	f.t.Helper()
	layer := addBlob(f.t, f.layout, mediaLayer, content)
	writeIndex(f.t, f.layout, addJSON(f.t, f.layout, mediaManifest, map[string]any{
		"schemaVersion": 2, "mediaType": mediaManifest, "config": addBlob(f.t, f.layout, mediaConfig, []byte(`{"os":"linux","architecture":"amd64"}`)),
		"layers": []descriptor{layer}}))
	return layer
}

// warnings are the lines of the log with that part in their message.
func (f *fixture) warnings(part string) (found []map[string]any) {
	f.t.Helper()
	for line := range strings.Lines(f.log.String()) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			f.t.Fatal(err)
		}
		if text, _ := entry["msg"].(string); entry["level"] == "WARN" && strings.Contains(text, part) {
			found = append(found, entry)
		}
	}
	return found
}

// A layer that Quay takes long for is told once, with the time and the next step, and goes in as it is; also when it is sent again.
func TestSeveralMembers(t *testing.T) {
	f := newFixture(t)
	content := estargz(t, 16<<20)
	layer := f.layerOnly(content)
	f.Faults.Add(quaytest.Fault{Name: "once", Method: "PUT", Path: onUpload, Effect: quaytest.Status(http.StatusServiceUnavailable, nil, "")})
	f.push()
	if got := f.stored(layer.Digest); !bytes.Equal(got, content) {
		t.Errorf("%d other bytes were stored, want %d", len(got), len(content))
	}
	told := f.warnings("several gzip members")
	if len(told) != 1 || told[0]["digest"] != layer.Digest || told[0]["takes_about"] != "1.2s" || !strings.Contains(told[0]["next"].(string), "zstd") {
		t.Errorf("the log tells %v", told)
	}
	// What the registry has takes it no time.
	f.log = &buffer{}
	f.opts.LogOutput, f.opts.Tags = f.log, []string{"v2"}
	f.push()
	if told := f.warnings(""); len(told) > 0 {
		t.Errorf("of a layer that is there the log tells %v", told)
	}
}

// One member, a small layer and one in zstd are nothing to speak of.
func TestLayersThatAreNotSlow(t *testing.T) {
	for name, content := range map[string][]byte{
		"one member": hostile.Members(t, gzip.NoCompression, noise(16<<20)),
		"small":      estargz(t, 1<<20),
		"zstd":       append([]byte("\x28\xb5\x2f\xfd"), estargz(t, 16<<20)...),
	} {
		f := newFixture(t)
		f.layerOnly(content)
		f.push()
		if told := f.warnings(""); len(told) > 0 {
			t.Errorf("%s: the log tells %v", name, told)
		}
	}
}

// A layer that is not what its digest says fails as it does without the look, whether that shows in its start or behind it.
func TestLookingIntoAWrongLayer(t *testing.T) {
	for _, keep := range []int{1000, 2 << 20} {
		f := newFixture(t)
		content := estargz(t, 16<<20)
		layer := f.layerOnly(content)
		spoilt := bytes.Clone(content)
		spoilt[keep] ^= 1
		write(t, blobFile(f.layout, layer.Digest), spoilt)
		reason := f.fail(failure.ClassSourceCorrupt)
		if !strings.Contains(reason.Error(), "hashes to") {
			t.Errorf("the error is %v", reason)
		}
		if f.HasBlob("team-a/app", layer.Digest) {
			t.Error("the registry has the blob")
		}
	}
}
