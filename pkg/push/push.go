// Package push sends an image to Red Hat Quay: by digest, under each tag, read back, with one robot's credential.
package push

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
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
	log        *slog.Logger
}

// Push pushes the image that opts name, and returns when the registry served it back by digest and by every tag; only
// then the result files are written. The error is an *Error; with it no tag was moved, unless it says so, and no result
// file is left. Ending ctx ends the push.
func Push(ctx context.Context, opts Options) (Result, error) {
	if err := opts.complete(); err != nil {
		return Result{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, opts.Timeout)
	defer cancel()
	p := &pusher{opts: opts, log: opts.Log}
	p.retry = &retrier{pause: opts.RetryPause, log: opts.Log}
	result, err := p.push(ctx)
	if err != nil {
		return Result{}, p.explain(ctx, err)
	}
	return result, nil
}

func (p *pusher) push(ctx context.Context) (Result, error) {
	var err error
	if p.to, err = parseTarget(p.opts.ImageRef, p.opts.Tags); err != nil {
		return Result{}, err
	}
	results, err := openResults(p.opts.ResultsDir)
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
	if err := p.login(ctx); err != nil {
		return Result{}, err
	}
	if err := p.send(ctx); err != nil {
		return Result{}, err
	}
	result := Result{Image: p.to.name(), Digest: p.image.digest, Tags: p.to.tags}
	if err := results.write(result); err != nil {
		return Result{}, err
	}
	p.log.Info("pushed", "image", result.Pinned(), "tags", result.Tags)
	return result, nil
}

// open reads the source.
func (p *pusher) open(ctx context.Context) error {
	var err error
	if p.source, err = openSource(ctx, p.opts.Source); err != nil {
		return err
	}
	if p.image, err = readImage(ctx, p.source); err != nil {
		p.source.Close()
		return err
	}
	p.to = p.to.anchored(p.image.digest)
	p.log.Info("read the source", "source", p.opts.Source, "digest", p.image.digest,
		"manifests", len(p.image.manifests), "blobs", len(p.image.blobs), "bytes", p.image.bytes())
	return nil
}

// connect finds the credential and makes the client that may use it.
func (p *pusher) connect() error {
	if p.opts.Dockerconfig == "" {
		return &Error{Class: ClassNoCredential, Problem: "there is no dockerconfig", Next: "name one in --dockerconfig or DOCKER_CONFIG"}
	}
	config, err := dockerconfig.Read(p.opts.Dockerconfig)
	if errors.Is(err, os.ErrNotExist) {
		return &Error{Class: ClassNoCredential, Problem: "there is no dockerconfig", Err: err,
			Next: "mount the Secret there; without a key .dockerconfigjson or config.json it is of another type"}
	}
	var match dockerconfig.Match
	if err == nil {
		match, err = config.For(p.to.host, p.to.repository)
	}
	if err != nil {
		return &Error{Class: ClassNoCredential, Problem: "the dockerconfig has no credential for " + p.to.name(), Err: err,
			Next: fmt.Sprintf("put an entry for %q with the robot's name and token into it", p.to.host)}
	}
	p.credential, p.key = match.Credential, match.Key
	p.log.Info("found the credential", "key", p.key, "robot", p.credential.Username)
	transport, err := newTransport(p.opts.CAFile)
	if err != nil {
		return err
	}
	base := url.URL{Scheme: "https", Host: p.to.host}
	if p.opts.PlainHTTP {
		base.Scheme = "http"
	}
	p.registry = &registry{base: base, repository: p.to.repository, tokenHost: p.opts.TokenHost, credential: p.credential,
		client: newClient(transport), scope: scopePush, stall: p.opts.StallTimeout}
	if p.registry.tokenHost == "" {
		p.registry.tokenHost = base.Host
	}
	p.registry.newTokens(time.Now)
	return nil
}

// login learns, before the first byte, whether the robot may push.
func (p *pusher) login(ctx context.Context) error {
	return p.retry.run(ctx, "login", func(ctx context.Context, _ int) error {
		if err := p.registry.ping(ctx); err != nil {
			return err
		}
		actions, known, err := p.registry.rights(ctx)
		if err != nil {
			return err
		}
		if !known {
			p.log.Warn("the token does not tell what the robot may do", "robot", p.credential.Username)
			return nil
		}
		p.log.Info("asked for the right to push", "robot", p.credential.Username, "repository", p.to.repository, "has", actions)
		return p.registry.checkRight(actions, p.key)
	})
}
