package document_test

import (
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/source/document"
	"github.com/comptech-lab/quay-push/pkg/push/strict"
)

// A value of another type is told by its field and its type in JSON; Go's types and the value itself are nobody's business.
func TestMismatch(t *testing.T) {
	hash := `"sha256:` + strings.Repeat("a", 64) + `"`
	for _, test := range []struct {
		body string
		v    any
		want string
	}{
		{`[]`, &document.Document{}, "it is an array, want an object"},
		{`"x"`, &document.Document{}, "it is a string, want an object"},
		{`{"schemaVersion":"2"}`, &document.Document{}, "schemaVersion is a string, want a whole number of at most 64 bits"},
		{`{"schemaVersion":2.5}`, &document.Document{}, "schemaVersion is a number, want a whole number of at most 64 bits"},
		{`{"mediaType":true}`, &document.Document{}, "mediaType is a boolean, want a string"},
		{`{"config":[]}`, &document.Document{}, "config is an array, want an object"},
		{`{"config":{"size":1e99}}`, &document.Document{}, "config.size is a number, want a whole number of at most 64 bits"},
		{`{"config":{"digest":5}}`, &document.Document{}, "config.digest is a number, want a string"},
		{`{"layers":{}}`, &document.Document{}, "layers is an object, want an array"},
		{`{"layers":[5]}`, &document.Document{}, "layers is a number, want an object"},
		{`{"layers":[{"digest":{}}]}`, &document.Document{}, "layers.digest is an object, want a string"},
		{`{"manifests":[{"annotations":[]}]}`, &document.Document{}, "manifests.annotations is an array, want an object"},
		{`{"annotations":{"quay.expires-after":12}}`, &document.Document{}, "annotations.quay.expires-after is a number, want a string"},
		{`{"config":{"Labels":5}}`, &document.ImageConfig{}, "config.Labels is a number, want an object"},
		{`{"config":{"Labels":{"quay.expires-after":["2w"]}}}`, &document.ImageConfig{}, "config.Labels.quay.expires-after is an array, want a string"},
		{`{"history":"x"}`, &document.ImageConfig{}, "history is a string, want an array"},
		{`{"rootfs":{"diff_ids":` + hash + `}}`, &document.ImageConfig{}, "rootfs.diff_ids is a string, want an array"},
		{`{"rootfs":{"diff_ids":[` + hash + `,5]}}`, &document.ImageConfig{}, "rootfs.diff_ids is a number, want a string"},
	} {
		err := strict.Decode([]byte(test.body), test.v, "not this")
		if reason, ok := err.(*failure.Error); !ok || reason.Class != failure.ClassSourceCorrupt || reason.Problem != "not this: "+test.want {
			t.Errorf("decoding %s = %v, want %q", test.body, err, test.want)
		}
	}
}
