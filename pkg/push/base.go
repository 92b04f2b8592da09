package push

import (
	"context"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/comptech-lab/quay-push/pkg/push/base"
	"github.com/comptech-lab/quay-push/pkg/push/source"
)

// findBase returns what the images among manifests name as their base. Blobs of an image in the same registry are mounted from where
// that is.
func (p *pusher) findBase(manifests []source.Manifest) *base.Base {
	if p.mountFrom != "" {
		return nil
	}
	b := base.Push{Registry: p.registry, To: p.to, PlainHTTP: p.opts.PlainHTTP, Large: smallBlob, Log: p.log}
	if _, remote := p.source.(*source.Remote); !remote {
		b.Verify = func(ctx context.Context, d v1.Descriptor) error { return source.Verify(ctx, p.source, d) }
	}
	return b.Find(manifests)
}
