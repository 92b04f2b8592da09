package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/comptech-lab/quay-push/pkg/dockerconfig"
	"github.com/comptech-lab/quay-push/pkg/overlay"
	"github.com/comptech-lab/quay-push/pkg/push/verdict"
	"github.com/comptech-lab/quay-push/pkg/receipt"
	"github.com/comptech-lab/quay-push/pkg/shown"
)

// maxPlatforms is how many manifests of an index are asked for.
const maxPlatforms = 64

// verdict demands one. Quay's answer has no time: it is made when it is asked for, from what the scanner found in the image when that was
// pushed and what it knows of vulnerabilities now. So one that Quay gives is of now. Where Quay gives none, the one that let the image
// have its tags counts as long as it is young enough: the receipt has it. It does not where Quay says that it cannot look into the image,
// as nobody did then, nor where Quay has something against a part of it now.
func (a *asker) verdict(ctx context.Context, o overlay.Overlay, pin overlay.Pin) error {
	counts, lack, err := a.asks(ctx, pin)
	if err != nil {
		return err
	}
	if lack != nil && a.blocking(counts) == 0 {
		var proof *receipt.Verdict
		if !lack.final {
			if proof, err = a.gated(ctx, o, pin); err != nil {
				return err
			}
		}
		if proof == nil {
			return &overlay.Refusal{Reason: overlay.ReasonNoVerdict, Next: "run it again once Quay's scanner has seen the image, or push with a gate and demand its receipt, too",
				Problem: fmt.Sprintf("%s@%s has no verdict of Quay now, %s, and none of a gate within %s", pin.Image, pin.Digest, lack.why, shown.Duration(a.verdictWithin))}
		}
		counts = proof.Counts
	}
	if n := a.blocking(counts); n > 0 {
		return &overlay.Refusal{Reason: overlay.ReasonVulnerable, Next: "build it with the fixes, push it, and pin that digest",
			Problem: fmt.Sprintf("%s@%s has %s of severity %s or worse", pin.Image, pin.Digest, shown.Count(n, "vulnerability", "vulnerabilities"), a.gate)}
	}
	return nil
}

// blocking is how many of the counts, by severity, the gate refuses. Words that it does not know count.
func (a *asker) blocking(counts map[string]int) (n int) {
	if a.policy.Threshold == verdict.None {
		return 0
	}
	for word, count := range counts {
		if severity, err := verdict.ParseThreshold(word); word == "unknown" || err == nil && severity < a.policy.Threshold {
			continue
		}
		n += count
	}
	return n
}

// gated is the verdict in the digest's receipt, if that is demanded, the verdict is young enough, and the scanner had looked into all of it.
func (a *asker) gated(ctx context.Context, o overlay.Overlay, pin overlay.Pin) (*receipt.Verdict, error) {
	if len(a.keys) == 0 {
		return nil, nil
	}
	found, err := a.find(ctx, o, pin)
	if errors.As(err, new(*receipt.Invalid)) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	if v := found.Predicate.Verdict; v != nil && v.Unsupported == 0 && !v.Time.Before(a.now().Add(-a.verdictWithin)) {
		return v, nil
	}
	return nil, nil
}

// lack is why Quay gives no verdict on an image; final says that it never will.
type lack struct {
	why   string
	final bool
}

// asks asks Quay for its verdict on the image, on each platform of an index. Where it gives none on one of them there is a lack, and the
// counts are those of the others.
func (a *asker) asks(ctx context.Context, pin overlay.Pin) (counts map[string]int, lacks *lack, err error) {
	host, repository, credential, err := a.credential(pin.Image)
	if err != nil {
		return nil, nil, err
	}
	digests, err := a.platforms(ctx, host, pin, credential)
	if err != nil {
		return nil, nil, &failure{ExitFailure, fmt.Sprintf("asking %s for %s@%s: %v", host, pin.Image, pin.Digest, receipt.Said(err)),
			"see whether it answers, and " + readerNext}
	}
	report := verdict.NewReport(a.policy)
	for _, digest := range digests {
		if l := a.asksOne(ctx, host, repository, digest, credential, report.Add); l != nil && (lacks == nil || l.final) {
			lacks = l
		}
	}
	if err := json.Unmarshal([]byte(report.Counts()), &counts); err != nil {
		return nil, nil, fmt.Errorf("counting vulnerabilities: %w", err)
	}
	return counts, lacks, nil
}

// platforms are the manifests that the scanner looks into: the image's, or those of its index but for attestations.
func (a *asker) platforms(ctx context.Context, host string, pin overlay.Pin, credential dockerconfig.Credential) ([]string, error) {
	ref, err := name.NewDigest(pin.Image+"@"+pin.Digest, name.StrictValidation)
	if err != nil {
		return nil, err
	}
	got, err := remote.Get(ref, append(receipt.Options(a.client.Transport, host, credential), remote.WithContext(ctx))...)
	if err != nil || !got.MediaType.IsIndex() {
		return []string{pin.Digest}, err
	}
	var index v1.IndexManifest
	if err := json.Unmarshal(got.Manifest, &index); err != nil {
		return nil, fmt.Errorf("reading the index: %w", err)
	}
	var digests []string
	for _, m := range index.Manifests {
		if m.Platform == nil || m.Platform.OS != "unknown" {
			digests = append(digests, m.Digest.String())
		}
	}
	if len(digests) == 0 || len(digests) > maxPlatforms {
		return nil, fmt.Errorf("the index has %d images", len(digests))
	}
	return digests, nil
}

// answered is what an answer without a verdict means, where its status alone does not say it. A Quay without a scanner answers a robot's
// password with 401, as gate.ErrOff has it.
var answered = map[int]string{
	http.StatusUnauthorized: "Unauthorized (the robot may not read it, or FEATURE_SECURITY_SCANNER is off)",
	520:                     "(it does not reach its scanner)",
}

// asksOne asks for one manifest's, and returns why there is none; nil for one.
func (a *asker) asksOne(ctx context.Context, host, repository, digest string, credential dockerconfig.Credential, each func(verdict.Vulnerability) error) *lack {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	u := verdict.URL(url.URL{Scheme: "https", Host: host}, repository, digest)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return &lack{why: err.Error()}
	}
	request.Header.Set("User-Agent", "tkn-quay") // One that names a browser is refused.
	if authorization := credential.Authorization(); !authorization.IsZero() {
		request.Header.Set("Authorization", authorization.Reveal())
	}
	client := http.Client{Transport: a.client.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(request)
	if err != nil {
		return &lack{why: "which was not reached: " + err.Error()}
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return &lack{why: fmt.Sprintf("which answers %d %s for %s", answer.StatusCode, cmp.Or(answered[answer.StatusCode], http.StatusText(answer.StatusCode)), digest)}
	}
	told, err := verdict.Read(answer.Body, each)
	switch {
	case err != nil:
		return &lack{why: "whose answer cannot be read: " + err.Error()}
	case told.Status != verdict.Scanned:
		return &lack{fmt.Sprintf("which says %q of %s", told.Status, digest), told.Status == verdict.Unsupported || told.Status == verdict.TooLarge}
	}
	return nil
}
