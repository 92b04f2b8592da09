package push

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/gate"
	"github.com/comptech-lab/quay-push/pkg/push/registry/retry"
	"github.com/comptech-lab/quay-push/pkg/push/verdict"
	"github.com/comptech-lab/quay-push/pkg/results"
)

// completeGate reads the flags of the gate. With a gate the push may take longer, unless --timeout says how long.
func (o *Options) completeGate() error {
	threshold, err := verdict.ParseThreshold(o.Gate)
	if err != nil {
		return failure.Usage("%s: %v", failure.GateFlag, err)
	}
	if o.GateUnsupported == "" {
		o.GateUnsupported = defaultGateUnsupported
	}
	pass, err := verdict.ParseUnsupported(o.GateUnsupported)
	if err != nil {
		return failure.Usage("%s: %v", failure.GateUnsupportedFlag, err)
	}
	o.policy = verdict.Policy{Threshold: threshold, FixableOnly: o.GateFixableOnly, PassUnsupported: pass}
	if threshold == verdict.None && o.policy != (verdict.Policy{}) {
		return failure.Usage("%s and %s are for %s, which is missing: the image would be tagged unseen", failure.GateFixableFlag, failure.GateUnsupportedFlag, failure.GateFlag)
	}
	switch {
	case o.GateTimeout < 0:
		return failure.Usage("%s is negative", failure.GateTimeoutFlag)
	case o.GateTimeout == 0:
		o.GateTimeout = defaultGateTimeout
	}
	switch {
	case !o.gated() || o.Timeout < 0:
	case o.Timeout == 0:
		o.Timeout = defaultTimeout + o.GateTimeout
	case o.Timeout <= o.GateTimeout:
		return failure.Usage("%s is %s, and --timeout, which is for all of the push, %s: nothing would be left for the upload", failure.GateTimeoutFlag, o.GateTimeout, o.Timeout)
	}
	return nil
}

// gated reports whether an image has to pass before it is tagged.
func (o *Options) gated() bool { return o.policy.Threshold != verdict.None }

// checkScanner makes sure, before the first byte is sent, that there is somebody to ask.
func (p *pusher) checkScanner(ctx context.Context) error {
	if !p.opts.gated() {
		return nil
	}
	client, err := p.newClient()
	if err != nil {
		return err
	}
	p.scanner = gate.Scanner{Client: client, Base: url.URL{Scheme: p.scheme(), Host: cmp.Or(p.opts.TokenHost, p.to.Host)}, Repository: p.to.Repository, Robot: p.robot, Credential: p.credential}
	g := p.newGate()
	return p.retry.Run(ctx, "asking for a verdict", func(ctx context.Context, _ int) error { return g.Check(ctx, gate.Image{Digest: p.image.Digest}) })
}

// pass waits, if there is a gate, until Quay's scanner has looked into the image, which the registry has by digest, and fails unless the
// policy lets it through. stale are the tags that are to be set.
func (p *pusher) pass(ctx context.Context, stale []string, before state) error {
	if !p.opts.gated() {
		return nil
	}
	g := p.newGate()
	if len(stale) == 0 {
		g.Renew = func(context.Context) error { return nil } // Its tags hold it.
	} else if err := g.Renew(ctx); err != nil {
		// What was there before, without a tag, may be gone at any time.
		return err
	}
	var err error
	p.found, err = g.Wait(ctx, gate.Images(p.image))
	for _, v := range p.found.Worst() {
		p.log.Info("found a vulnerability", "package", v.Package, "version", v.Version, "name", v.Name, "severity", v.Severity.String(), "fixed_by", v.FixedBy)
	}
	if p.opts.EvidenceDir != "" {
		content, evidenceErr := p.found.Evidence(p.to.Name(), p.image.Digest, p.opts.policy)
		if evidenceErr == nil {
			evidenceErr = results.WriteFile(p.opts.EvidenceDir, evidenceVulnerabilities, string(content)+"\n")
		}
		if evidenceErr != nil && err == nil {
			return unwritable("--evidence", evidenceErr)
		}
	}
	if err != nil {
		return p.tagged(err, before)
	}
	p.log.Info("the image passed the gate", "digest", p.image.Digest, "gate", p.opts.policy.String(), "vulnerabilities", p.found.Counts())
	return p.unmoved(ctx, stale, before)
}

// tagged says in an error of the gate which tags had the digest before: those stay.
func (p *pusher) tagged(err error, before state) error {
	var there []string
	for _, tag := range p.to.Tags {
		if before[tag] == p.image.Digest {
			there = append(there, tag)
		}
	}
	if reason := (*failure.Error)(nil); len(there) > 0 && errors.As(err, &reason) {
		reason.Problem += fmt.Sprintf(" now, but it keeps the tags it had before: %s", strings.Join(there, ", "))
		reason.Next = "delete these tags in Quay if the image must not run; " + reason.Next
	}
	return err
}

// unmoved makes sure that nobody set one of the tags while the verdict was waited for: what was pushed meanwhile is newer.
func (p *pusher) unmoved(ctx context.Context, stale []string, before state) error {
	now, err := p.fetch(ctx, stale)
	if err != nil {
		return err
	}
	for _, tag := range stale {
		if now[tag] != before[tag] && now[tag] != p.image.Digest {
			return &failure.Error{Class: failure.ClassTagMoved, Problem: fmt.Sprintf("another run set or deleted tag %q while this one waited for the scanner's verdict; nothing was tagged", tag),
				Proof: fmt.Sprintf("it was %q and is %q, the push was %q", before[tag], now[tag], p.image.Digest),
				Next:  "leave it, if that run is the newer one; else run this one again, or give each run its own tag in " + failure.TagFlag}
		}
	}
	return nil
}

// newGate makes the gate of the push.
func (p *pusher) newGate() *gate.Gate {
	return &gate.Gate{Policy: p.opts.policy, Timeout: p.opts.GateTimeout, Pause: p.opts.GatePause, Ask: p.scanner.Ask, Sleep: retry.Sleep, Now: p.opts.Now, Log: p.log,
		Renew: func(ctx context.Context) error { return p.putAll(ctx, p.image.Manifests) }}
}
