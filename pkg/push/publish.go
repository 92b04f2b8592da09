package push

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/sync/errgroup"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/source"
)

// publish brings what the registry lacks into it, and reads it back. With a gate the tags wait for the scanner's verdict, which is asked
// for though nothing is lacking.
func (p *pusher) publish(ctx context.Context, before state) error {
	lacking, stale := p.lacking(before), p.stale(before)
	if len(lacking) == 0 && len(stale) == 0 {
		p.log.Info("the registry has it all")
		return p.pass(ctx, stale, before)
	}
	if err := p.uploadBlobs(ctx, blobsOf(lacking)); err != nil {
		return err
	}
	if !p.opts.gated() || len(stale) == 0 { // Else the gate puts all of them.
		if err := p.putAll(ctx, lacking); err != nil {
			return err
		}
	}
	if err := p.pass(ctx, stale, before); err != nil {
		return err
	}
	if err := p.setTags(ctx, stale, before); err != nil {
		return err
	}
	return p.readBack(ctx, before)
}

// putAll puts manifests by digest, one after the other: an index comes behind what it names.
func (p *pusher) putAll(ctx context.Context, manifests []source.Manifest) error {
	for _, m := range manifests {
		if err := p.publishManifest(ctx, m.Descriptor.Digest.String(), m); err != nil {
			return err
		}
	}
	return nil
}

// publishManifest puts m under a tag or its digest. A registry that finds a blob missing gets it again, once: its lease may
// have ended.
func (p *pusher) publishManifest(ctx context.Context, reference string, m source.Manifest) error {
	err := p.putManifest(ctx, reference, m)
	var answered *failure.Answer
	if !errors.As(err, &answered) || !answered.MissesBlob() && (answered.Code != "MANIFEST_INVALID" || answered.Status != http.StatusBadRequest) {
		return failure.Sending("manifest", m.Descriptor, err)
	}
	p.log.Warn("the registry refuses a manifest: looking for its blobs", "digest", m.Descriptor.Digest.String(), "because", err.Error())
	if err := p.uploadBlobs(ctx, blobsOf([]source.Manifest{m})); err != nil {
		return err
	}
	err = p.putManifest(ctx, reference, m)
	switch {
	case errors.As(err, &answered) && answered.MissesBlob():
		return &failure.Error{Class: failure.ClassManifestRefused, Problem: fmt.Sprintf("%s took every blob of manifest %q and says that one is missing", p.to.Host, m.Descriptor.Digest),
			Next: "run it again; if it stays so, ask who runs the registry whether its storage or a read replica lost a blob", Err: err}
	case errors.As(err, &answered) && answered.Code == "MANIFEST_INVALID":
		return p.manifestRefused(ctx, m, err)
	}
	return failure.Sending("manifest", m.Descriptor, err)
}

// manifestRefused is the error for a manifest that the registry refuses with all of its blobs there.
func (p *pusher) manifestRefused(ctx context.Context, m source.Manifest, err error) error {
	e := &failure.Error{Class: failure.ClassManifestRefused, Problem: fmt.Sprintf("%s has every blob of manifest %q and refuses it", p.to.Host, m.Descriptor.Digest),
		Proof: err.Error() + ", media types " + m.MediaTypes(), Next: "compare the media types with what this version of Quay takes", Err: err}
	config, configErr := p.image.ReadConfig(ctx, p.source, m)
	// Quay wants it in Docker's format, and does not say so (quay/quay image/docker/schema2/config.py).
	if configErr == nil && m.Descriptor.MediaType == types.DockerManifestSchema2 && config.History == nil {
		e.Problem = fmt.Sprintf("%s refuses manifest %q, which is in Docker's format and whose config has no history", p.to.Host, m.Descriptor.Digest)
		return e.Then("build it in the OCI format, which needs no history: buildah --format oci, docker buildx --output type=oci, skopeo copy --format oci")
	}
	return e
}

// PutManifest puts m and compares the digest that the registry says it has.
func (p *pusher) putManifest(ctx context.Context, reference string, m source.Manifest) error {
	return p.retry.Run(ctx, "putting "+reference, func(ctx context.Context, n int) error {
		got, err := p.registry.PutManifest(ctx, reference, string(m.Descriptor.MediaType), m.Body)
		if err != nil && n > 0 {
			return &repeatedError{err}
		} else if err != nil {
			return err
		}
		if want := m.Descriptor.Digest.String(); got != "" && got != want {
			return failure.NotVerified("the registry stored the manifest as %q, not %q", failure.Shorten(got), want)
		}
		return nil
	})
}

// repeatedError is the error of a request that was sent before: the answer to an earlier one may have been lost.
type repeatedError struct{ error }

func (e *repeatedError) Unwrap() error { return e.error }

// setTags puts the same bytes under each tag.
func (p *pusher) setTags(ctx context.Context, tags []string, before state) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(p.opts.Jobs)
	for _, tag := range tags {
		group.Go(func() error {
			if err := p.setTag(ctx, tag); err != nil {
				return err
			}
			p.log.Info("set a tag", "tag", tag, "digest", p.image.Digest, "before", before[tag])
			return nil
		})
	}
	return group.Wait()
}

// setTag puts the root under a tag. Quay refuses an immutable tag even when it would not move, as it does when the answer to
// an earlier try was lost.
func (p *pusher) setTag(ctx context.Context, tag string) error {
	err := p.publishManifest(ctx, tag, p.image.Root())
	var answered *failure.Answer
	if !errors.As(err, &answered) || answered.Status != http.StatusConflict || answered.Foreign() {
		return err
	}
	most := 1
	if errors.As(err, new(*repeatedError)) {
		most = looks
	}
	now, lookErr := p.await(ctx, tag, most)
	if lookErr != nil {
		return lookErr
	}
	if now == p.image.Digest {
		return nil
	}
	return &failure.Error{Class: failure.ClassTagImmutable, Problem: fmt.Sprintf("tag %q is immutable and has another digest", tag), Err: err,
		Proof: fmt.Sprintf("it is %q, the push was %q", now, p.image.Digest),
		Next:  "choose a new tag in " + failure.TagFlag + "; the image is in the registry by its digest for an hour"}
}
