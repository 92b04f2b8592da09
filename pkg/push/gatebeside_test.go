package push_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// What a runtime may choose is looked into, whatever it calls itself. Those built on containers/image unpack a layer of any type: skopeo
// 1.9.3 took the first two into its storage by the tag, and made a program of the text. The platform unknown/unknown is nobody's.
func TestGateOfWhatIsChosen(t *testing.T) {
	linux, unknown := map[string]string{"os": "linux", "architecture": "amd64"}, map[string]string{"os": "unknown", "architecture": "unknown"}
	for name, test := range map[string]struct {
		platforms []any
		asked     bool
	}{
		"a subject and a platform": {[]any{linux}, true},
		"a subject, no platform":   {[]any{nil}, true},
		"two platforms":            {[]any{linux, unknown}, true},
		"no platform, and unknown": {[]any{unknown, nil}, true},
		"unknown":                  {[]any{unknown}, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			dir := t.TempDir()
			image := writeImage(t, dir, `{"os":"linux","architecture":"s390x"}`, small)
			beside := addJSON(t, dir, mediaManifest, map[string]any{"schemaVersion": 2, "mediaType": mediaManifest, "config": addBlob(t, dir, mediaConfig, []byte(`{"os":"linux","architecture":"amd64"}`)),
				"layers": []descriptor{addBlob(t, dir, "text/plain", []byte("a program"))}, "subject": image})
			children := []any{map[string]any{"mediaType": image.MediaType, "digest": image.Digest, "size": image.Size, "platform": map[string]string{"os": "linux", "architecture": "s390x"}}}
			for _, platform := range test.platforms {
				child := map[string]any{"mediaType": beside.MediaType, "digest": beside.Digest, "size": beside.Size}
				if platform != nil {
					child["platform"] = platform
				}
				children = append(children, child)
			}
			writeIndex(t, dir, addJSON(t, dir, mediaIndex, map[string]any{"schemaVersion": 2, "mediaType": mediaIndex, "manifests": children}))
			f.opts.Source = "oci:" + dir
			f.gate("critical", has(0))
			if test.asked {
				f.fail(failure.ClassScanUnsupported) // Quay looks into no layer of such a type.
			} else {
				f.push()
			}
			asked := slices.ContainsFunc(f.Requests(), func(r quaytest.Request) bool { return strings.HasSuffix(r.Path, beside.Digest+"/security") })
			if asked != test.asked {
				t.Errorf("asked for it: %t, want %t", asked, test.asked)
			}
		})
	}
}
