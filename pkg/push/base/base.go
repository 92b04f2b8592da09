// Package base finds the repository of the base image in the registry that is pushed to, and takes layers from there that need not be sent.
package base

import (
	"context"
	"log/slog"
	"math"
	"strings"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/registry"
	"github.com/comptech-lab/quay-push/pkg/push/source"
	"github.com/comptech-lab/quay-push/pkg/reference"
)

// Base is the repository of the base image, where that is in the registry that is pushed to: layers that it has need not be sent. The
// image's author names it, so that it may be anybody's. Quay gives no blob of a repository that the robot may not read, and where only a
// right of the robot opens it, a layer is asked for by who has its bytes alone. Whatever goes wrong, blobs are sent as without it.
// It is safe for concurrent use; nil has nothing.
type Base struct {
	from *registry.Neighbour
	log  *slog.Logger
	has  func(ctx context.Context, d v1.Descriptor) (bool, error)
	// verify reads a blob of the source to its end; nil: the source is in a registry, and nothing is read to compare it.
	verify func(ctx context.Context, d v1.Descriptor) error
	// lowest is the lowest large layer of an image; its base has it, if anything of it.
	lowest v1.Descriptor
	layers map[v1.Hash]place

	once sync.Once
	// opened is closed when the rest is known.
	opened chan struct{}
	// gives says that it has the lowest layer and that the robot may read it; owned that this took a right of the robot.
	gives, owned bool

	mu sync.Mutex
	// without is, for each image, the place of the lowest layer that it lacks: none above that is the base's either.
	without map[int]int
}

// place is where a layer is: in which of the images, and how many are below it.
type place struct{ image, layer int }

// Push is the push that a base is looked for.
type Push struct {
	Registry  *registry.Registry
	To        registry.Target
	PlainHTTP bool
	// Verify reads a blob of the source to its end, and compares it; nil: the source is in a registry, and nothing is read to compare it.
	Verify func(ctx context.Context, d v1.Descriptor) error
	// Large is the size in bytes above which a layer is worth a request.
	Large int64
	Log   *slog.Logger
}

// Find returns what the images among manifests name as their base (OCI image-spec annotations.md, org.opencontainers.image.base.name);
// nil if that is not one repository of the registry, another one than is pushed to, or if no layer is large enough.
func (p Push) Find(manifests []source.Manifest) *Base {
	b := &Base{log: p.Log, has: p.Registry.HasBlob, verify: p.Verify, layers: map[v1.Hash]place{}, opened: make(chan struct{}), without: map[int]int{}}
	repository := ""
	for image, m := range manifests {
		named := m.Annotations.BaseName.Value
		if named == "" {
			continue
		}
		at := p.repository(named)
		if at == "" || repository != "" && repository != at {
			return nil
		}
		repository = at
		for layer, d := range m.Layers {
			if _, known := b.layers[d.Digest.Hash]; known || d.Size <= p.Large {
				continue
			}
			if len(b.layers) == 0 {
				b.lowest = d.Content()
			}
			b.layers[d.Digest.Hash] = place{image, layer}
		}
	}
	if len(b.layers) == 0 {
		return nil
	}
	b.from = p.Registry.Neighbour(repository)
	b.log = p.Log.With("base", repository)
	return b
}

// repository is the path of the repository that named, host/organization/name with an optional tag and digest, is in; "" unless it
// is another one of the registry.
func (p Push) repository(named string) string {
	scheme := "https"
	if p.PlainHTTP {
		scheme = "http"
	}
	bare := reference.Bare(named)
	host, repository, _ := strings.Cut(bare, "/")
	if len(bare) > reference.MaxName || !reference.IsHost(host) || !failure.SameHost(scheme, host, p.To.Host) ||
		!reference.IsRepository(repository) || !strings.Contains(repository, "/") || repository == p.To.Repository {
		return ""
	}
	return repository
}

// Open learns, once, whether the base gives its layers. It does not where the repository has the lowest one already: then an earlier
// push brought the others, too.
func (b *Base) Open(ctx context.Context) {
	if b == nil {
		return
	}
	b.once.Do(func() {
		defer close(b.opened)
		var err error
		if b.gives, err = b.ask(ctx); err != nil {
			b.log.Info("layers of the base image are sent, not mounted", "because", err.Error())
		} else if b.gives {
			b.log.Info("layers of the base image are mounted, not sent")
		}
	})
}

// ask asks for the lowest layer: with the token of the push, which is enough if the base is public, else with one that says that the
// robot may read there.
func (b *Base) ask(ctx context.Context) (bool, error) {
	if has, err := b.has(ctx, b.lowest); has || err != nil {
		return false, err
	}
	if gives, err := b.from.Mount(ctx, b.lowest); gives || err != nil || b.verify == nil {
		return gives, err
	}
	if reads, err := b.from.Read(ctx); !reads || err != nil {
		return false, err
	}
	b.owned = true
	return b.get(ctx, b.lowest)
}

// get mounts d.
func (b *Base) get(ctx context.Context, d v1.Descriptor) (bool, error) {
	if b.owned {
		if err := b.verify(ctx, d); err != nil {
			return false, err
		}
	}
	return b.from.Mount(ctx, d)
}

// Mount reports whether d, which the repository lacked, came from the base.
func (b *Base) Mount(ctx context.Context, d v1.Descriptor) bool {
	if b == nil {
		return false
	}
	at, large := b.layers[d.Digest]
	if !large {
		return false
	}
	select {
	case <-b.opened:
	case <-ctx.Done():
		return false
	}
	if !b.gives || at.layer >= b.lacks(at.image, math.MaxInt) {
		return false
	}
	got, err := b.get(ctx, d)
	if !got {
		b.lacks(at.image, at.layer)
	}
	return got && err == nil
}

// lacks notes that the base has not the layer at that place of an image, and returns the lowest one that it has not.
func (b *Base) lacks(image, layer int) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if lowest, known := b.without[image]; known {
		layer = min(layer, lowest)
	}
	b.without[image] = layer
	return layer
}
