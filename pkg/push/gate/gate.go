// Package gate asks Quay's scanner for its verdict on an image that has no tag yet, waits for it, and decides.
package gate

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/verdict"
)

const (
	// renewAfter is how long a manifest without a tag is left alone: Quay hides it for an hour, then it is gone (quay/quay config.py,
	// PUSH_TEMP_TAG_EXPIRATION_SEC). A third of that leaves room for a registry that is away for a while.
	renewAfter = 20 * time.Minute
	// failedPatience is how long a scan that failed is waited for: Quay tries it again after five minutes
	// (SECURITY_SCANNER_V4_REINDEX_THRESHOLD), with the next round of its worker.
	failedPatience = 7 * time.Minute
	// unknownPatience is how long Quay's API may not know what its registry has taken: it may read from a replica.
	unknownPatience = 2 * time.Minute
	// slowest is how many times the first pause the longest one is.
	slowest = 6
)

// Gate waits for the verdict on the manifests of one image. All fields are required.
type Gate struct {
	Policy verdict.Policy
	// Timeout is how long the verdict may take, by Now.
	Timeout time.Duration
	// Pause is the first one between two looks; each further one is half as long again, up to six times the first.
	Pause time.Duration
	// Ask asks Quay for one manifest, as Scanner.Ask does.
	Ask func(ctx context.Context, digest string, each func(verdict.Vulnerability) error) (verdict.Verdict, error)
	// Renew puts what is waited for once more, so that Quay keeps it.
	Renew func(ctx context.Context) error
	// Sleep waits, or returns the error of ctx.
	Sleep func(ctx context.Context, d time.Duration) error
	Now   func() time.Time
	Log   *slog.Logger
}

// Wait asks until there is a verdict on every one of the images, or one that refuses them, or the time is over. It returns what was
// found so far in any case. The error is a *failure.Error that has what was found as its cause, or the registry's.
func (g *Gate) Wait(ctx context.Context, images []Image) (*Found, error) {
	found := &Found{Report: verdict.NewReport(g.Policy), Images: make([]*Looked, len(images))}
	for i, image := range images {
		found.Images[i] = &Looked{Image: image, Status: verdict.Queued}
	}
	began := g.Now()
	renewed, pause, told := began, g.Pause, false
	for {
		wait, err := g.round(ctx, found)
		if err != nil {
			return found, err
		}
		left := found.waiting()
		if err := g.refusal(found); err != nil || len(left) == 0 {
			return found, err
		}
		remaining := g.Timeout - g.Now().Sub(began)
		if remaining <= 0 {
			return found, g.late(found, left[0])
		}
		if g.Now().Sub(renewed) >= renewAfter {
			g.Log.Info("keeping the image hidden for another hour: its verdict takes long", "waiting_for", len(left))
			if err := g.Renew(ctx); err != nil {
				return found, err
			}
			renewed = g.Now()
		}
		if !told || pause == slowest*g.Pause {
			g.Log.Info("waiting for the scanner's verdict; nothing is tagged before it", "waiting_for", len(left), "of", len(images), "first", left[0].Digest, "status", string(left[0].Status))
		}
		told = true
		// Half of a pause is random, so that those who came together do not stay together.
		if err := g.Sleep(ctx, min(max(pause/2+rand.N(pause/2+1), wait), remaining, renewAfter)); err != nil {
			return found, err
		}
		pause = min(pause*3/2, slowest*g.Pause)
	}
}

// Check asks once for image, which Quay need not know, and returns the error of a Quay that has no scanner, or does not let ask.
func (g *Gate) Check(ctx context.Context, image Image) error {
	_, err := g.Ask(ctx, image.Digest, func(verdict.Vulnerability) error { return nil })
	if err == nil || IsUnknown(err) || errors.As(err, new(*Away)) {
		return nil
	}
	return explain(image, &Found{Report: verdict.NewReport(g.Policy)}, err)
}

// round asks once for everything of which the verdict is not final. It returns how long Quay wants to be left alone.
func (g *Gate) round(ctx context.Context, found *Found) (wait time.Duration, err error) {
	for _, image := range found.waiting() {
		v, err := g.Ask(ctx, image.Digest, found.Add)
		if ctx.Err() != nil {
			return 0, failure.Ended(ctx, ctx.Err())
		}
		if err == nil {
			g.take(image, v)
			continue
		}
		again, pause := passing(err)
		if !again {
			return 0, explain(image.Image, found, err)
		}
		if IsUnknown(err) && !IsUnknown(image.err) {
			image.since = g.Now()
		}
		if image.err = err; IsUnknown(err) && g.Now().Sub(image.since) >= unknownPatience {
			return 0, explain(image.Image, found, err)
		}
		g.Log.Warn("asking for the verdict again", "digest", image.Digest, "because", err.Error())
		// Nothing else would be answered now.
		if !IsUnknown(err) && !errors.As(err, new(*Away)) {
			return pause, nil
		}
	}
	return 0, nil
}

// take keeps what Quay says of an image. A scan that failed may be tried again.
func (g *Gate) take(image *Looked, v verdict.Verdict) {
	if image.Status != v.Status || image.err != nil {
		image.since = g.Now()
	}
	image.Status, image.Packages, image.err = v.Status, v.Packages, nil
	switch v.Status {
	case verdict.Queued:
	case verdict.Failed:
		image.final = g.Now().Sub(image.since) >= failedPatience
	default:
		image.final = true
	}
	if image.final {
		g.Log.Info("the scanner's verdict", "digest", image.Digest, "platform", image.Platform, "status", string(v.Status), "packages", v.Packages)
	}
	switch {
	case v.Status == verdict.Unsupported && g.Policy.PassUnsupported:
		g.Log.Warn("THE IMAGE WAS NOT SCANNED: the scanner does not support it, and --gate-unsupported lets it pass", "digest", image.Digest, "platform", image.Platform)
	case v.Status == verdict.Scanned && v.Packages == 0:
		g.Log.Warn("the scanner found no package in it", "digest", image.Digest, "platform", image.Platform)
	}
}
