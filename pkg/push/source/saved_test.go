package source

import (
	"testing"

	"github.com/comptech-lab/quay-push/internal/hostile"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/strict"
)

// In a docker-archive, too, a value of another type is told by its field and its type in JSON; Go's types and the value itself are nobody's business.
func TestMismatchOfSavedImages(t *testing.T) {
	for _, test := range []struct {
		body string
		v    any
		want string
	}{
		{`{}`, &[]savedImage{}, "it is an object, want an array"},
		{`5`, &[]savedImage{}, "it is a number, want an array"},
	} {
		err := strict.Decode([]byte(test.body), test.v, "not this")
		if reason, ok := err.(*failure.Error); !ok || reason.Class != failure.ClassSourceCorrupt || reason.Problem != "not this: "+test.want {
			t.Errorf("decoding %s = %v, want %q", test.body, err, test.want)
		}
	}
}

// A list of saved images of 4 MiB takes a small part of what its values would take, wherever it comes from.
func TestSavedImagesTakeLittleMemory(t *testing.T) {
	hostile.TakesLittleMemory(t, map[string]hostile.Document{
		"saved images": {Body: hostile.Fill(`[`, `{}`, `]`), Read: func(body []byte) bool { return strict.Decode(body, &[]savedImage{}, "") == nil }},
	})
}
