package document_test

import (
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/comptech-lab/quay-push/internal/hostile"
	"github.com/comptech-lab/quay-push/pkg/push/source/document"
	"github.com/comptech-lab/quay-push/pkg/push/strict"
)

// A document of 4 MiB takes a small part of what its values would take, wherever it comes from.
func TestDocumentsTakeLittleMemory(t *testing.T) {
	image := func(body []byte) bool { _, err := document.Parse(types.OCIManifestSchema1, body); return err == nil }
	hostile.TakesLittleMemory(t, map[string]hostile.Document{
		"layers":        {Body: hostile.Fill(`{"schemaVersion":2,"layers":[`, `{}`, `]}`), Read: image},
		"manifests":     {Body: hostile.Fill(`{"schemaVersion":2,"manifests":[`, `{}`, `]}`), Read: image},
		"annotations":   {Body: hostile.Fill(`{"schemaVersion":2,"config":{"annotations":{`, `"":""`, `}}}`), Read: image},
		"one long text": {Body: hostile.Fill(`{"schemaVersion":2,"mediaType":"`, `xxxxxxxxx`, `"}`), Read: image},
		"a config":      {Body: hostile.Fill(`{"rootfs":{"diff_ids":[`, `null`, `]}}`), Read: func(body []byte) bool { return strict.Decode(body, &document.ImageConfig{}, "") == nil }},
	})
}
