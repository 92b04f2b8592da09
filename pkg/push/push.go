// Package push sends an image to Red Hat Quay: by digest, under each tag, read back, with one robot's credential.
package push

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/comptech-lab/quay-push/pkg/push/base"
	"github.com/comptech-lab/quay-push/pkg/push/credential"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/gate"
	"github.com/comptech-lab/quay-push/pkg/push/registry"
	"github.com/comptech-lab/quay-push/pkg/push/registry/retry"
	"github.com/comptech-lab/quay-push/pkg/push/source"
)

// pusher is one push.
type pusher struct {
	opts       Options
	to         registry.Target
	source     source.Source
	image      *source.Image
	registry   *registry.Registry
	credential credential.Source
	robot      string // whose the credential is
	key        string // of the credential, in auths; "" if it is in none
	retry      *retry.Retrier
	progress   *progress
	log        *slog.Logger
	started    time.Time
	// scanner is whom the gate asks, found what that said; nil where there is no gate.
	scanner gate.Scanner
	found   *gate.Found
	// mountFrom is the repository of the same registry that the source is in; empty: it is elsewhere.
	mountFrom string
	// base is where blobs of the base image are, if that is in the same registry.
	base *base.Base
	// weighed are the digests of the blobs that were looked into.
	weighed sync.Map
}

// Push pushes the image that opts name, and returns when the registry served it back by digest and by every tag; only
// then the result files are written. The error is a *failure.Error; with it no result file is left, and running Push again does
// not send twice what is in the registry. Ending ctx ends the push.
func Push(ctx context.Context, opts Options) (Result, error) {
	if err := opts.complete(); err != nil {
		return Result{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, opts.Timeout)
	defer cancel()
	p := &pusher{opts: opts, log: opts.Logger(), started: opts.Now()}
	p.retry = retry.New(opts.RetryPause, p.log)
	result, err := p.push(ctx)
	if err != nil {
		return Result{}, p.explain(ctx, err)
	}
	return result, nil
}

// push does the steps in the order that docs/push-step.md promises.
func (p *pusher) push(ctx context.Context) (Result, error) {
	var err error
	if p.to, err = p.opts.target(); err != nil {
		return Result{}, err
	}
	dir, err := p.openResults()
	if err != nil {
		return Result{}, err
	}
	release, err := p.federate()
	if err != nil {
		return Result{}, err
	}
	defer release()
	if err := p.open(ctx); err != nil {
		return Result{}, err
	}
	defer p.source.Close()
	if err := p.connect(ctx); err != nil {
		return Result{}, err
	}
	defer p.registry.Close()
	if err := p.login(ctx); err != nil {
		return Result{}, err
	}
	before, err := p.look(ctx)
	if err != nil {
		return Result{}, err
	}
	defer func() { p.scanner.Close() }()
	if err := p.checkScanner(ctx); err != nil {
		return Result{}, err
	}
	result := Result{Image: p.to.Name(), Digest: p.image.Digest, Tags: p.to.Tags}
	if p.opts.readOnly() {
		return result, p.rehearse(ctx, before)
	}
	if err := p.publish(ctx, before); err != nil {
		return Result{}, err
	}
	result.SentBytes = p.progress.sentBytes.Load()
	if err := p.writeEvidence(before); err != nil {
		return Result{}, err
	}
	if err := p.writeResults(dir, result); err != nil {
		return Result{}, err
	}
	p.log.Info("pushed", "image", result.Pinned(), "tags", result.Tags)
	return result, nil
}

// open reads the source.
func (p *pusher) open(ctx context.Context) error {
	var err error
	if p.source, err = source.Open(ctx, p.opts.Source, p.opening()); err != nil {
		return err
	}
	if found, ok := p.source.(*source.Remote); ok {
		p.mountFrom = found.Mountable
	}
	if err = p.read(ctx); err != nil {
		p.source.Close()
	}
	return err
}

// opening is what it takes to open the source.
func (p *pusher) opening() source.Options {
	o := p.opts
	how := source.Reach{To: p.to, PlainHTTP: o.PlainHTTP, TokenHost: o.TokenHost, SourceTokenHost: o.SourceTokenHost,
		Dockerconfig: cmp.Or(o.SourceDockerconfig, o.Dockerconfig), Anonymous: o.SourceAnonymous, CAFile: o.CAFile,
		Stall: o.StallTimeout, Now: o.Now, Retry: p.retry}
	if o.SourceDockerconfig == "" {
		how.Credential, how.User = p.credential, p.robot
	}
	return source.Options{Log: p.log, Dir: o.SourceDir, Compression: o.Compression, Image: how}
}

// read reads what the source has, but for the content of the blobs, and holds it against what the options allow.
func (p *pusher) read(ctx context.Context) error {
	var err error
	if p.image, err = source.ReadImage(ctx, p.source); err != nil {
		return err
	}
	if !p.opts.NoAnchor {
		p.to = p.to.Anchored(p.image.Digest)
	}
	p.progress = newProgress(p.log, p.image)
	p.log.Info("read the source", "source", p.opts.Source, "digest", p.image.Digest,
		"manifests", len(p.image.Manifests), "blobs", len(p.image.Blobs), "bytes", p.image.Bytes())
	if want := p.opts.ExpectedDigest; want != "" && want != p.image.Digest {
		return &failure.Error{Class: failure.ClassDigestUnexpected, Problem: "the source is not the image that --expected-digest names",
			Proof: "it is " + p.image.Digest + ", expected was " + want,
			Next:  "find out who changed the source after the digest was taken, and scan it again"}
	}
	return p.image.CheckRetention(ctx, p.source, p.opts.RequireRetention, p.log)
}

// explain makes an Error of what the push ended in.
func (p *pusher) explain(ctx context.Context, err error) error {
	if reason := (*failure.Error)(nil); errors.As(err, &reason) {
		if _, remote := p.source.(*source.Remote); remote && reason.Next == failure.BuildAgain {
			reason.Next = "build the image again, and push it to its registry again; nothing was tagged"
		}
		return err
	}
	if p.registry == nil {
		if ctx.Err() != nil {
			return failure.Ended(ctx, err)
		}
		return &failure.Error{Class: failure.ClassInternal, Problem: "pushing failed", Err: err, Next: "report it, with the log of the push"}
	}
	return p.destination().Explain(ctx, err)
}

// destination is where the push goes, for errors.
func (p *pusher) destination() *failure.Destination {
	return &failure.Destination{Peer: &p.registry.Peer, Repository: p.to.Repository, Robot: p.robot, Key: p.key}
}
