package registry

import (
	"context"
	"net/http"
)

// Probe reports whether the repository takes a push now, as its error: it begins an upload, as a push does first, and cancels it. No blob
// comes of that. At this request Quay says that it is read-only, that pushes are off, or that the organization's quota is used up; nothing
// else tells a robot so (quay/quay endpoints/v2/blob.py, start_blob_upload).
func (r *Registry) Probe(ctx context.Context) error {
	a, err := r.do(ctx, call{method: http.MethodPost, url: r.URL("blobs/uploads/", nil)})
	switch {
	case err != nil:
		return err
	case !a.ok(http.StatusAccepted):
		return a.err()
	}
	location, err := r.location(a)
	if err != nil {
		return err
	}
	// One that is not cancelled the registry drops after some days, as it does those of pushes that died.
	_, _ = r.do(ctx, call{method: http.MethodDelete, url: *location})
	return nil
}
