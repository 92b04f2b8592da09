package push

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// hasBlob says whether the repository has d in its full size.
func (r *registry) hasBlob(ctx context.Context, d v1.Descriptor) (bool, error) {
	a, err := r.do(ctx, call{method: http.MethodHead, url: r.url("blobs/"+d.Digest.String(), nil)})
	switch {
	case err != nil:
		return false, err
	case a.ok(http.StatusOK):
		return true, nil
	case a.ok(http.StatusNotFound):
		return false, nil
	}
	return false, a.err()
}

// putBlob uploads d: a small one with the request that starts the upload, a large one with the request that ends it. One
// chunk, never more: Quay does not put several together reliably (oras-project/oras-py#137).
func (r *registry) putBlob(ctx context.Context, d v1.Descriptor, body func() (io.ReadCloser, error)) error {
	header := http.Header{"Content-Type": {"application/octet-stream"}}
	digest := url.Values{"digest": {d.Digest.String()}}
	if d.Size <= largeBody {
		a, err := r.do(ctx, call{http.MethodPost, r.url("blobs/uploads/", digest), header, body, d.Size})
		if err != nil {
			return err
		}
		return stored(a, d)
	}
	location, err := r.startUpload(ctx)
	if err != nil {
		return err
	}
	query := location.Query()
	query.Set("digest", d.Digest.String())
	location.RawQuery = query.Encode()
	a, err := r.do(ctx, call{http.MethodPut, location, header, body, d.Size})
	if err != nil {
		return err
	}
	return stored(a, d)
}

// stored checks the answer to the last request of an upload.
func stored(a *answer, d v1.Descriptor) error {
	if !a.ok(http.StatusCreated) {
		return a.err()
	}
	if got := a.digest(); got != "" && got != d.Digest.String() {
		return &Error{Class: ClassNotVerified, Problem: fmt.Sprintf("the registry stored blob %q as %q", d.Digest, shorten(got)), Next: again}
	}
	return nil
}

// startUpload begins an upload and returns where its body goes.
func (r *registry) startUpload(ctx context.Context) (url.URL, error) {
	start := r.url("blobs/uploads/", nil)
	a, err := r.do(ctx, call{method: http.MethodPost, url: start})
	if err != nil {
		return url.URL{}, err
	}
	if !a.ok(http.StatusAccepted) {
		return url.URL{}, a.err()
	}
	location, err := start.Parse(a.header.Get("Location"))
	if err != nil || a.header.Get("Location") == "" {
		return url.URL{}, &Error{Class: ClassProtocol, Problem: fmt.Sprintf("%s does not say where to upload to", r.base.Host),
			Proof: "POST " + a.path + ": 202 without a usable Location", Next: "check that --image-ref names the registry, not something in front of it"}
	}
	if !r.trusts(location, r.base.Host) {
		return url.URL{}, foreign("the registry sends an upload", location.String(), r.base.Host,
			"name the registry in --image-ref as it names itself (Quay's SERVER_HOSTNAME)")
	}
	return *location, nil
}
