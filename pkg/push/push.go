// Package push sends an image to Red Hat Quay: by digest, under each tag, read back, with one robot's credential.
package push

import (
	"context"
	"log/slog"
	"time"

	"github.com/comptech-lab/quay-push/pkg/dockerconfig"
)

// pusher is one push.
type pusher struct {
	opts       Options
	to         target
	source     source
	image      *image
	registry   *registry
	credential dockerconfig.Credential
	key        string // of the credential, in auths
	retry      *retrier
	progress   *progress
	log        *slog.Logger
	started    time.Time
	// mountFrom is the repository of the same registry that the source is in; empty: it is elsewhere.
	mountFrom string
}

// Push pushes the image that opts name, and returns when the registry served it back by digest and by every tag; only
// then the result files are written. The error is an *Error; with it no result file is left, and running Push again does
// not send twice what is in the registry. Ending ctx ends the push.
func Push(ctx context.Context, opts Options) (Result, error) {
	if err := opts.complete(); err != nil {
		return Result{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, opts.Timeout)
	defer cancel()
	p := &pusher{opts: opts, log: opts.Logger(), started: opts.Now()}
	p.retry = &retrier{pause: opts.RetryPause, log: p.log}
	result, err := p.push(ctx)
	if err != nil {
		return Result{}, p.explain(ctx, err)
	}
	return result, nil
}

// push does the steps in the order that docs/push-step.md promises.
func (p *pusher) push(ctx context.Context) (Result, error) {
	var err error
	if p.to, err = parseTarget(p.opts.ImageRef, p.opts.Tags); err != nil {
		return Result{}, err
	}
	dir, err := p.openResults()
	if err != nil {
		return Result{}, err
	}
	if err := p.open(ctx); err != nil {
		return Result{}, err
	}
	defer p.source.Close()
	if err := p.connect(); err != nil {
		return Result{}, err
	}
	defer p.registry.client.CloseIdleConnections()
	if err := p.login(ctx); err != nil {
		return Result{}, err
	}
	before, err := p.look(ctx)
	if err != nil {
		return Result{}, err
	}
	result := Result{Image: p.to.name(), Digest: p.image.digest, Tags: p.to.tags}
	if p.opts.readOnly() {
		return result, p.rehearse(ctx, before)
	}
	if err := p.send(ctx, before); err != nil {
		return Result{}, err
	}
	result.SentBytes = p.progress.sentBytes.Load()
	if err := p.writeEvidence(before); err != nil {
		return Result{}, err
	}
	if err := writeResults(dir, result); err != nil {
		return Result{}, err
	}
	p.log.Info("pushed", "image", result.Pinned(), "tags", result.Tags)
	return result, nil
}

// open reads the source.
func (p *pusher) open(ctx context.Context) error {
	var err error
	if p.source, err = p.openSource(ctx); err != nil {
		return err
	}
	if err = p.read(ctx); err != nil {
		p.source.Close()
	}
	return err
}

// read reads what the source has, but for the content of the blobs, and holds it against what the options allow.
func (p *pusher) read(ctx context.Context) error {
	var err error
	if p.image, err = readImage(ctx, p.source); err != nil {
		return err
	}
	p.to = p.to.anchored(p.image.digest)
	p.progress = newProgress(p.log, p.image)
	p.log.Info("read the source", "source", p.opts.Source, "digest", p.image.digest,
		"manifests", len(p.image.manifests), "blobs", len(p.image.blobs), "bytes", p.image.bytes())
	if want := p.opts.ExpectedDigest; want != "" && want != p.image.digest {
		return &Error{Class: ClassDigestUnexpected, Problem: "the source is not the image that --expected-digest names",
			Proof: "it is " + p.image.digest + ", expected was " + want,
			Next:  "find out who changed the source after the digest was taken, and scan it again"}
	}
	return p.checkRetention(ctx)
}
