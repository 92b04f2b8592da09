package source

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/comptech-lab/quay-push/internal/hostile"
	"github.com/comptech-lab/quay-push/pkg/push/registry"
	"github.com/comptech-lab/quay-push/pkg/push/source/document"
)

// An image may not name more than is set aside for, in how many manifests ever.
func TestManyReferences(t *testing.T) {
	if testing.Short() {
		t.Skip("documents with many references are made")
	}
	m := memory{"oci-layout": []byte(`{"imageLayoutVersion":"1.0.0"}`)}
	layer := marshal(m.add(types.OCILayer, []byte("x")))
	m.add("", []byte("{}"))
	images := []string{}
	for n := range 3 {
		body := fmt.Sprintf(`%s,"x":%d,"layers":[%s%s]}`, hostile.EmptyConfig, n, strings.Repeat(string(layer)+",", maxReferences/3-1), layer)
		images = append(images, string(marshal(m.add(types.OCIManifestSchema1, []byte(body)))))
		index := m.add(types.OCIImageIndex, []byte(`{"schemaVersion":2,"manifests":[`+strings.Join(images, ",")+`]}`))
		m["index.json"] = []byte(`{"manifests":[` + string(marshal(index)) + `]}`)
		s, err := newLayout(slog.New(slog.DiscardHandler), m, "")
		if err != nil {
			t.Fatal(err)
		}
		_, err = ReadImage(t.Context(), s)
		if refused := err != nil && strings.Contains(err.Error(), "name more than 40000"); refused != (n == 2) {
			t.Errorf("%d manifests: %v", n+1, err)
		}
	}
}

// An image of the most layers is taken.
func TestLargestManifest(t *testing.T) {
	layer := `{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","size":3,"digest":"sha256:` + strings.Repeat("0", 64) + `","annotations":{"a":"b"}}`
	body := []byte(hostile.EmptyConfig + `,"layers":[` + strings.Repeat(layer+",", maxBlobs-1) + layer + `]}`)
	if len(body) > registry.MaxManifest {
		t.Fatalf("the manifest has %d bytes", len(body))
	}
	doc, err := document.Parse(types.OCIManifestSchema1, body)
	if err != nil || len(doc.Layers) != maxBlobs || len(doc.Blobs()) != maxBlobs+1 {
		t.Errorf("%d layers, %v", len(doc.Layers), err)
	}
}
