package push

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync/atomic"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/ingest"
	"github.com/comptech-lab/quay-push/pkg/push/registry/retry"
	"github.com/comptech-lab/quay-push/pkg/push/source"
)

// uploadBlobs uploads those of blobs that the repository lacks. When that takes so long that the first ones may be gone
// again, it looks once more.
func (p *pusher) uploadBlobs(ctx context.Context, blobs []v1.Descriptor) error {
	defer p.progress.start(p.opts.ProgressEvery)()
	for {
		began := p.opts.Now()
		if err := p.uploadAll(ctx, blobs); err != nil || p.opts.Now().Sub(began) < blobLease {
			return err
		}
		p.log.Warn("the upload took longer than Quay keeps a blob without a manifest: looking for every blob again")
	}
}

const (
	// smallBlob is the size in bytes up to which sending a blob takes less time than waiting for the registry.
	smallBlob = 1 << 20
	// smallFactor is how many times as many small blobs are sent at the same time as large ones.
	smallFactor = 3
)

// uploadAll uploads those of blobs that the repository lacks, large and small ones side by side.
func (p *pusher) uploadAll(ctx context.Context, blobs []v1.Descriptor) error {
	both, ctx := errgroup.WithContext(ctx)
	both.Go(func() error {
		p.base.Open(ctx)
		return nil
	})
	upload := func(jobs int, mine func(d v1.Descriptor) bool) {
		both.Go(func() error {
			group, ctx := errgroup.WithContext(ctx)
			group.SetLimit(jobs)
			for _, d := range blobs {
				if mine(d) {
					group.Go(func() error { return p.uploadBlob(ctx, d) })
				}
			}
			return group.Wait()
		})
	}
	upload(p.opts.Jobs, func(d v1.Descriptor) bool { return d.Size > smallBlob })
	upload(smallFactor*p.opts.Jobs, func(d v1.Descriptor) bool { return d.Size <= smallBlob })
	return both.Wait()
}

// uploadBlob uploads d unless the repository has it.
func (p *pusher) uploadBlob(ctx context.Context, d v1.Descriptor) error {
	complete := false
	err := p.retry.Run(ctx, "sending blob "+d.Digest.String(), func(ctx context.Context, _ int) error { return p.try(ctx, d, &complete) })
	return p.image.About(d, failure.Sending("blob", d, err))
}

// try uploads d once, unless the repository has it. complete is whether a try sent all of it: then it is what the repository
// has, though the answer was lost.
func (p *pusher) try(ctx context.Context, d v1.Descriptor, complete *bool) error {
	var sent atomic.Int64
	had, err := p.registry.PutBlob(ctx, d, func() (io.ReadCloser, error) {
		p.progress.add(-sent.Swap(0))
		content, err := source.OpenVerified(ctx, p.source, d, func(n int) {
			sent.Add(int64(n))
			p.progress.add(int64(n))
		})
		if err != nil {
			return nil, err
		}
		if _, known := p.weighed.LoadOrStore(d.Digest, true); !known {
			content = ingest.Weigh(p.log, d, content)
		}
		return content, nil
	}, func() bool { return p.base.Mount(ctx, d) })
	if gaveUp(err) && sent.Load() == d.Size {
		err = p.awaitCommit(ctx, d, err)
	}
	if err != nil {
		of := sent.Swap(0)
		p.progress.add(-of)
		*complete = *complete || of == d.Size
		return err
	}
	if had && !*complete {
		p.progress.skip(d)
		return nil
	} else if had {
		p.progress.add(d.Size)
	}
	p.progress.sent(d)
	return nil
}

// gaveUp reports whether something in front of the registry stopped waiting for it.
func gaveUp(err error) bool {
	var answered *failure.Answer
	return errors.As(err, &answered) && (answered.Status == http.StatusGatewayTimeout || answered.Status == http.StatusRequestTimeout ||
		answered.Status == 499 || answered.Status == 524)
}

// awaitCommit looks whether the registry still finishes the blob that a gateway gave up on: Quay copies a large one for
// minutes, and sending it again would take longer. It returns err if not.
func (p *pusher) awaitCommit(ctx context.Context, d v1.Descriptor, err error) error {
	const looks = 5
	p.log.Warn("waiting for a blob that a gateway gave up on", "digest", d.Digest.String(), "because", err.Error())
	for i := range looks {
		if retry.Sleep(ctx, p.opts.RetryPause<<i) != nil {
			return err
		}
		if has, lookErr := p.registry.HasBlob(ctx, d); lookErr == nil && has {
			return nil
		}
	}
	return err
}
