package push

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/gate"
	"github.com/comptech-lab/quay-push/pkg/push/registry"
	"github.com/comptech-lab/quay-push/pkg/push/registry/retry"
	"github.com/comptech-lab/quay-push/pkg/push/source"
	"github.com/comptech-lab/quay-push/pkg/push/source/document"
	"github.com/comptech-lab/quay-push/pkg/retryafter"
)

// completeGate reads the flags of the gate. With a gate the push may take longer, unless --timeout says how long.
func (o *Options) completeGate() error {
	threshold, err := gate.ParseThreshold(o.Gate)
	if err != nil {
		return failure.Usage("%s: %v", failure.GateFlag, err)
	}
	if o.GateUnsupported == "" {
		o.GateUnsupported = defaultGateUnsupported
	}
	pass, err := gate.ParseUnsupported(o.GateUnsupported)
	if err != nil {
		return failure.Usage("%s: %v", failure.GateUnsupportedFlag, err)
	}
	o.policy = gate.Policy{Threshold: threshold, FixableOnly: o.GateFixableOnly, PassUnsupported: pass}
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
func (o *Options) gated() bool { return o.policy.Threshold != gate.None }

// checkScanner makes sure, before the first byte is sent, that there is somebody to ask.
func (p *pusher) checkScanner(ctx context.Context) error {
	if !p.opts.gated() {
		return nil
	}
	g := p.newGate()
	return p.retry.Run(ctx, "asking for a verdict", func(ctx context.Context, _ int) error {
		err := g.Check(ctx, gate.Image{Digest: p.image.Digest})
		if passing, _ := g.Passing(err); err != nil && passing {
			return err
		}
		return p.toRegistry(err)
	})
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
	report, err := g.Wait(ctx, p.scanned())
	p.report = report
	for _, v := range report.Worst() {
		p.log.Info("found a vulnerability", "package", v.Package, "version", v.Version, "name", v.Name, "severity", v.Severity.String(), "fixed_by", v.FixedBy)
	}
	if writeErr := p.writeVulnerabilities(); writeErr != nil && err == nil {
		return writeErr
	}
	if err != nil {
		return p.tagged(p.toRegistry(err), before)
	}
	p.log.Info("the image passed the gate", "digest", p.image.Digest, "gate", p.opts.policy.String(), "vulnerabilities", report.Counts())
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
		reason.Problem += fmt.Sprintf(" now, but %q had this digest before and keep it", there)
		reason.Next = "delete these tags in Quay if nobody may run it; " + reason.Next
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
	return &gate.Gate{Policy: p.opts.policy, Timeout: p.opts.GateTimeout, Pause: p.opts.GatePause, Ask: p.askVerdict, Passing: passingVerdict,
		Renew: func(ctx context.Context) error { return p.putAll(ctx, p.image.Manifests) }, Sleep: retry.Sleep, Now: p.opts.Now, Log: p.log}
}

// askVerdict asks for one manifest.
func (p *pusher) askVerdict(ctx context.Context, digest string, each func(gate.Vulnerability) error) (v gate.Verdict, err error) {
	err = p.registry.Verdict(ctx, digest, func(body io.Reader) (err error) {
		v, err = gate.Read(body, each)
		return err
	})
	var answered *failure.Answer
	switch {
	case errors.As(err, new(*registry.NoRoute)):
		err = fmt.Errorf("%w: %w", gate.ErrOff, err)
	case !errors.As(err, &answered):
	case answered.Status == http.StatusNotFound:
		err = fmt.Errorf("%w: %w", gate.ErrUnknown, err)
	case answered.Status == 520 && !answered.Foreign():
		err = &gate.Away{Err: err}
	}
	return v, err
}

// passingVerdict reports whether asking again may help.
func passingVerdict(err error) (passing bool, wait time.Duration) {
	if answered := (*failure.Answer)(nil); errors.As(err, &answered) {
		wait = retryafter.Read(answered.Header, time.Now())
	}
	return retry.Passing(err), wait
}

// toRegistry explains what the management API alone answers so.
func (p *pusher) toRegistry(err error) error {
	var answered *failure.Answer
	if !errors.As(err, &answered) || errors.As(err, new(*failure.Error)) || answered.Foreign() {
		return err
	}
	switch answered.Status {
	case http.StatusUnauthorized:
		return &failure.Error{Class: failure.ClassCredentialRefused, Problem: fmt.Sprintf("Quay's API does not take robot %q", p.robot), Proof: answered.Error(),
			Next: "ask who runs Quay whether something in front of it takes the Authorization header away: its registry has taken the same credential"}
	case http.StatusForbidden:
		return &failure.Error{Class: failure.ClassNoAccess, Problem: fmt.Sprintf("robot %q may not read the verdicts on %s", p.robot, p.to.Name()), Proof: answered.Error(),
			Next: "give the robot Write on the repository, which includes Read"}
	}
	return err
}

// scanned are the manifests that there has to be a verdict on: all but indexes, which Quay never looks into, and documents about an
// image, such as an attestation that BuildKit puts beside it. Those have layers that no runtime unpacks, and are chosen by none: they
// have a subject, or a platform that is unknown. An image with no other manifest is asked for whatever it is.
func (p *pusher) scanned() (images []gate.Image) {
	platforms := map[v1.Hash]string{}
	for _, m := range p.image.Manifests {
		for _, child := range m.Manifests {
			platforms[child.Digest.Hash] = child.Platform.String()
		}
	}
	for _, m := range p.image.Manifests {
		d := m.Descriptor.Digest
		beside := m.Subject != nil || platforms[d] == "unknown/unknown"
		if m.Descriptor.MediaType.IsIndex() || d.String() != p.image.Digest && beside && isDocument(m) {
			continue
		}
		images = append(images, gate.Image{Digest: d.String(), Platform: platforms[d]})
	}
	return images
}

// isDocument reports whether the layers of m are documents by their types, such as application/vnd.in-toto+json.
func isDocument(m source.Manifest) bool {
	return len(m.Layers) > 0 && !slices.ContainsFunc(m.Layers, func(layer document.Descriptor) bool {
		t := string(layer.MediaType)
		return !strings.HasSuffix(t, "json") && !strings.HasSuffix(t, "+xml") && !strings.HasPrefix(t, "text/")
	})
}
