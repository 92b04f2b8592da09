package push

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"golang.org/x/sync/errgroup"
)

// sendManifest puts m under a tag or its digest. A registry that finds a blob missing gets it again, once: its lease may
// have ended.
func (p *pusher) sendManifest(ctx context.Context, reference string, m manifest) error {
	err := p.putManifest(ctx, reference, m)
	var answered *answerError
	if !errors.As(err, &answered) || answered.code != "MANIFEST_INVALID" || answered.status != http.StatusBadRequest {
		return err
	}
	p.log.Warn("the registry refuses a manifest: looking for its blobs", "digest", m.descriptor.Digest.String(), "because", err.Error())
	if err := p.sendBlobs(ctx, blobsOf([]manifest{m})); err != nil {
		return err
	}
	if err = p.putManifest(ctx, reference, m); errors.As(err, &answered) && answered.code == "MANIFEST_INVALID" {
		return &Error{Class: ClassManifestRefused, Problem: fmt.Sprintf("%s has every blob of the manifest and refuses it", p.to.host),
			Proof: err.Error() + ", media types " + m.mediaTypes(), Next: "compare the media types with what this version of Quay takes", Err: err}
	}
	return err
}

// mediaTypes tells those of m and of what it names.
func (m manifest) mediaTypes() string {
	types := []string{string(m.descriptor.MediaType)}
	for _, d := range m.descriptors() {
		types = append(types, string(d.MediaType))
	}
	return shorten(fmt.Sprintf("%q", types))
}

// putManifest puts m and compares the digest that the registry says it has.
func (p *pusher) putManifest(ctx context.Context, reference string, m manifest) error {
	return p.retry.run(ctx, "putting "+reference, func(ctx context.Context, _ int) error {
		got, err := p.registry.putManifest(ctx, reference, m)
		if err != nil {
			return err
		}
		if want := m.descriptor.Digest.String(); got != "" && got != want {
			return notVerified("the registry stored the manifest as %q, not %q", shorten(got), want)
		}
		return nil
	})
}

// setTags puts the same bytes under each tag.
func (p *pusher) setTags(ctx context.Context, tags []string, before state) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(p.opts.Jobs)
	for _, tag := range tags {
		group.Go(func() error {
			if err := p.setTag(ctx, tag); err != nil {
				return err
			}
			p.log.Info("set a tag", "tag", tag, "digest", p.image.digest, "before", before[tag])
			return nil
		})
	}
	return group.Wait()
}

// setTag puts the root under a tag. Quay refuses an immutable tag even when it would not move, as it does when the answer
// to an earlier try was lost.
func (p *pusher) setTag(ctx context.Context, tag string) error {
	err := p.sendManifest(ctx, tag, p.image.root())
	var answered *answerError
	if !errors.As(err, &answered) || answered.status != http.StatusConflict {
		return err
	}
	now, lookErr := p.fetch(ctx, []string{tag})
	if lookErr != nil {
		return lookErr
	}
	if now[tag] == p.image.digest {
		return nil
	}
	return &Error{Class: ClassTagImmutable, Problem: fmt.Sprintf("tag %q is immutable and has another digest", tag), Err: err,
		Proof: fmt.Sprintf("it is %s, the push was %s", now[tag], p.image.digest),
		Next:  "choose a new tag; the image is in the registry by its digest for an hour"}
}

// readBack compares what the registry serves, by digest and by tag, with the source's bytes.
func (p *pusher) readBack(ctx context.Context) error {
	after, err := p.fetch(ctx, append([]string{p.image.digest}, p.to.tags...))
	if err != nil {
		return err
	}
	if got := after[p.image.digest]; got != p.image.digest {
		return notVerified("the registry serves %q under the digest %q", got, p.image.digest)
	}
	for _, tag := range p.to.tags {
		if got := after[tag]; got != p.image.digest {
			return &Error{Class: ClassTagMoved, Problem: fmt.Sprintf("tag %q points at other than what was pushed", tag),
				Proof: fmt.Sprintf("it is %q, the push was %q", got, p.image.digest),
				Next:  "another run pushed the same tag: give each run its own"}
		}
	}
	return nil
}

// notVerified is the error for a registry that did not keep what it was sent.
func notVerified(format string, args ...any) error {
	return &Error{Class: ClassNotVerified, Problem: fmt.Sprintf(format, args...),
		Next: "look for what rewrites images between here and the registry"}
}
