// Package image is where the node's images come from: a registry, and the few images that a cluster cannot do without.
package image

import (
	"errors"
	"io"
	"log"
	"net"
	"net/http"

	"github.com/google/go-containerregistry/pkg/registry"
)

// Registry is an OCI registry, plain HTTP, with its blobs below a directory and its manifests in memory.
type Registry struct {
	handler http.Handler
}

// NewRegistry returns an empty registry with its blobs below dir, which exists.
func NewRegistry(dir string) *Registry {
	return &Registry{registry.New(
		registry.WithBlobHandler(registry.NewDiskBlobHandler(dir)), registry.Logger(log.New(io.Discard, "", 0)))}
}

// Serve answers on a listener until it is closed; several listeners may serve the same images.
func (r *Registry) Serve(listener net.Listener) error {
	err := http.Serve(listener, r.handler)
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
