package push

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/types"
)

// accepted are the manifests that are asked for: without this header Quay converts what it has to schema 1.
var accepted = strings.Join([]string{
	string(types.OCIManifestSchema1), string(types.OCIImageIndex),
	string(types.DockerManifestSchema2), string(types.DockerManifestList),
}, ", ")

// getManifest returns the bytes under a tag or digest; nil if there are none.
func (r *registry) getManifest(ctx context.Context, reference string) ([]byte, error) {
	a, err := r.do(ctx, call{method: http.MethodGet, url: r.url("manifests/"+reference, nil), header: http.Header{"Accept": {accepted}}})
	switch {
	case err != nil:
		return nil, err
	case a.ok(http.StatusOK):
		return a.body, nil
	case a.ok(http.StatusNotFound):
		return nil, nil
	}
	return nil, a.err()
}

// putManifest stores m under a tag or its digest and returns the digest that the registry says it has.
func (r *registry) putManifest(ctx context.Context, reference string, m manifest) (string, error) {
	a, err := r.do(ctx, call{
		method: http.MethodPut,
		url:    r.url("manifests/"+reference, nil),
		header: http.Header{"Content-Type": {string(m.descriptor.MediaType)}},
		body:   func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(m.body)), nil },
		size:   int64(len(m.body)),
	})
	if err != nil {
		return "", err
	}
	if !a.ok(http.StatusCreated, http.StatusOK, http.StatusAccepted) {
		return "", a.err()
	}
	return a.digest(), nil
}
