package registry

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/registry/transport"
)

// HasBlob reports whether the repository has d in its full size.
func (r *Registry) HasBlob(ctx context.Context, d v1.Descriptor) (bool, error) {
	a, err := r.do(ctx, call{method: http.MethodHead, url: r.URL("blobs/"+d.Digest.String(), nil)})
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

// PutBlob brings d into the repository and reports whether it was there. A small blob goes with the request that starts the
// upload, a large one with the request that ends it. One chunk, never more: Quay does not put several together reliably
// (oras-project/oras-py#137). Before a large blob is sent that the repository lacks, elsewhere is asked whether it got d there by
// another way; nil: there is none.
func (r *Registry) PutBlob(ctx context.Context, d v1.Descriptor, body func() (io.ReadCloser, error), elsewhere func() bool) (had bool, err error) {
	a, whole, err := r.startBlob(ctx, d, body)
	switch {
	case err != nil:
		return false, err
	case a.ok(http.StatusCreated):
		return !whole, stored(a, d)
	case !a.ok(http.StatusAccepted):
		return false, a.err()
	}
	if elsewhere != nil && elsewhere() {
		return true, nil
	}
	location, err := r.location(a)
	if err != nil {
		return false, err
	}
	query := location.Query()
	query.Set("digest", d.Digest.String())
	location.RawQuery = query.Encode()
	if a, err = r.do(ctx, call{http.MethodPut, *location, blobHeader, body, d.Size}); err != nil {
		return false, err
	}
	if !a.ok(http.StatusCreated) {
		return false, a.err()
	}
	return false, stored(a, d)
}

// startBlob asks the repository to mount d from itself: if it has d, that renews the lease, which a HEAD does not; if not,
// the same answer starts the upload, a round trip earlier. whole says that d went along, where the registry takes it so; not
// where the source's repository has d for sure.
func (r *Registry) startBlob(ctx context.Context, d v1.Descriptor, body func() (io.ReadCloser, error)) (a *Answer, whole bool, err error) {
	query := url.Values{"mount": {d.Digest.String()}, "from": {cmp.Or(r.mountFrom, r.repository)}}
	start := call{method: http.MethodPost, url: r.URL("blobs/uploads/", query)}
	whole = d.Size <= transport.LargeBody && r.mountFrom == "" && !r.ignoresBody.Load()
	if whole {
		query.Set("digest", d.Digest.String())
		start = call{http.MethodPost, r.URL("blobs/uploads/", query), blobHeader, body, d.Size}
	} else if d.Size > transport.LargeBody && r.ahead != nil {
		defer r.ahead(ctx)()
	}
	a, err = r.do(ctx, start)
	if err == nil && whole && a.ok(http.StatusAccepted) {
		// The OCI distribution spec lets a registry ignore digest and body, and distribution does.
		r.ignoresBody.Store(true)
	}
	return a, whole, err
}

var blobHeader = http.Header{"Content-Type": {"application/octet-stream"}}

// stored compares the digest that the registry says it has.
func stored(a *Answer, d v1.Descriptor) error {
	if got := a.Digest(); got != "" && got != d.Digest.String() {
		return failure.NotVerified("the registry stored blob %q as %q", d.Digest, failure.Shorten(got))
	}
	return nil
}

// location is where the body of a started upload goes.
func (r *Registry) location(a *Answer) (*url.URL, error) {
	given := a.Header.Get("Location")
	// Relative to the request (RFC 9110 section 10.2.2).
	location, err := a.url.Parse(given)
	if err != nil || given == "" {
		return nil, &failure.Error{Class: failure.ClassProtocol, Problem: fmt.Sprintf("%s does not say where to upload to", r.Name()),
			Proof: "POST " + a.url.Path + ": 202 without a usable Location", Next: r.NotInFront()}
	}
	if !r.trusts(location, r.Base.Host) {
		return nil, r.Foreign(r.Name()+" sends an upload", location, r.Base.Host,
			r.LeadsTo(location)+"; Quay calls itself by its SERVER_HOSTNAME")
	}
	return location, nil
}
