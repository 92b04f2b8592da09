package push

import (
	"context"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/comptech-lab/quay-push/pkg/push/source"
)

// rehearse tells what a push would do. A dry run also reads every byte of the source and asks for every blob.
func (p *pusher) rehearse(ctx context.Context, before state) error {
	lacking := p.lacking(before)
	for _, tag := range p.to.Tags {
		p.log.Info("a push would set the tag", "tag", tag, "digest", p.image.Digest, "before", before[tag])
	}
	if !p.opts.DryRun {
		return nil
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(p.opts.Jobs)
	for _, d := range blobsOf(lacking) {
		group.Go(func() error { return p.rehearseBlob(ctx, d) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	p.log.Info("a push would put manifests", "manifests", len(lacking))
	return nil
}

// rehearseBlob reads d and asks whether the repository has it.
func (p *pusher) rehearseBlob(ctx context.Context, d v1.Descriptor) error {
	if err := source.Verify(ctx, p.source, d); err != nil {
		return p.image.About(d, err)
	}
	return p.retry.Run(ctx, fmt.Sprintf("looking for blob %s", d.Digest), func(ctx context.Context, _ int) error {
		has, err := p.registry.HasBlob(ctx, d)
		if err == nil && !has {
			p.log.Info("a push would send a blob", "digest", d.Digest.String(), "bytes", d.Size)
		}
		return err
	})
}
