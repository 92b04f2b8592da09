package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// MaxManifest is the largest manifest or config that is read into memory, in bytes, as the OCI distribution spec advises.
const MaxManifest = 4 << 20

// accepted are the manifests that are asked for: without this header Quay converts what it has to schema 1.
var accepted = strings.Join([]string{
	string(types.OCIManifestSchema1), string(types.OCIImageIndex),
	string(types.DockerManifestSchema2), string(types.DockerManifestList),
}, ", ")

// GetManifest returns the bytes under a tag or digest; nil if there are none.
func (r *Registry) GetManifest(ctx context.Context, reference string) ([]byte, error) {
	a, err := r.do(ctx, call{method: http.MethodGet, url: r.URL("manifests/"+reference, nil), header: http.Header{"Accept": {accepted}}})
	switch {
	case err != nil:
		return nil, err
	case a.ok(http.StatusOK):
		return a.Body, a.checkManifest()
	case a.ok(http.StatusNotFound):
		return nil, nil
	}
	return nil, a.err()
}

// FetchManifest gets the manifest under a tag or digest, with what the registry says of it.
func (r *Registry) FetchManifest(ctx context.Context, reference string) (*Answer, error) {
	a, err := r.do(ctx, call{method: http.MethodGet, url: r.URL("manifests/"+reference, nil), header: http.Header{"Accept": {accepted}}})
	switch {
	case err != nil:
		return nil, err
	case !a.ok(http.StatusOK):
		return nil, a.err()
	case len(a.Body) > MaxManifest:
		return nil, failure.Refused("the manifest %q on %s has more than %d bytes", reference, r.Base.Host, MaxManifest).Then("make the manifest smaller, with fewer layers, platforms or annotations: registries take no larger ones")
	}
	// What begins as a manifest is one, if a bad one, unless a server says why there is none.
	if err := a.checkManifest(); err != nil && (!bytes.HasPrefix(bytes.TrimSpace(a.Body), []byte("{")) || json.Valid(a.Body)) {
		return nil, err
	}
	return a, nil
}

// checkManifest is the error for an answer that has something else in the place of a manifest: what is no JSON object, such as
// a web page, or words to a person. Whether it is one to push is not asked: a stranger may have put it under the tag.
func (a *Answer) checkManifest() error {
	var fields map[string]json.RawMessage
	isObject := json.Unmarshal(a.Body, &fields) == nil && fields != nil
	if isObject && fields["schemaVersion"] != nil {
		return nil
	}
	said := a.err()
	if isObject && said.Code == "" && said.Message == "" {
		return nil
	}
	return fmt.Errorf("%w, %d bytes that are no manifest", said, len(a.Body))
}

// PutManifest stores a manifest under a tag or its digest and returns the digest that the registry says it has.
func (r *Registry) PutManifest(ctx context.Context, reference, mediaType string, body []byte) (string, error) {
	a, err := r.do(ctx, call{
		method: http.MethodPut,
		url:    r.URL("manifests/"+reference, nil),
		header: http.Header{"Content-Type": {mediaType}},
		body:   func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil },
		size:   int64(len(body)),
	})
	if err != nil {
		return "", err
	}
	if !a.ok(http.StatusCreated, http.StatusOK, http.StatusAccepted) || a.words() != "" {
		return "", a.err()
	}
	return a.Digest(), nil
}
