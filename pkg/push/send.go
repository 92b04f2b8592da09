package push

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"
)

// send brings the image into the registry: blobs, manifests by digest, tags, and reads it back.
func (p *pusher) send(ctx context.Context) error {
	before, err := p.look(ctx)
	if err != nil {
		return err
	}
	lacking := p.lacking(before)
	if err := p.sendBlobs(ctx, blobsOf(lacking)); err != nil {
		return err
	}
	for _, m := range lacking {
		if err := p.sendManifest(ctx, m.descriptor.Digest.String(), m); err != nil {
			return err
		}
	}
	var stale []string
	for _, tag := range p.to.tags {
		if before[tag] != p.image.digest {
			stale = append(stale, tag)
		}
	}
	if err := p.setTags(ctx, stale, before); err != nil {
		return err
	}
	if len(lacking) == 0 && len(stale) == 0 {
		p.log.Info("the registry has it all")
		return nil
	}
	return p.readBack(ctx)
}

// state is what the registry has under each tag and digest: the digest of the bytes it served, "" for nothing.
type state map[string]string

// look asks for what is to be pushed, and what the tags point at.
func (p *pusher) look(ctx context.Context) (state, error) {
	references := slices.Clone(p.to.tags)
	for _, m := range p.image.manifests {
		if d := m.descriptor.Digest.String(); d == p.image.digest || m.Subject != nil {
			references = append(references, d)
		}
	}
	return p.read(ctx, references)
}

// read gets the manifests under the given references, several at a time.
func (p *pusher) read(ctx context.Context, references []string) (state, error) {
	found := make([]string, len(references))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(p.opts.Jobs)
	for i, reference := range references {
		group.Go(func() error {
			return p.retry.run(ctx, "reading "+reference, func(ctx context.Context, _ int) error {
				body, err := p.registry.getManifest(ctx, reference)
				if err == nil && body != nil {
					found[i] = digestOf(body)
				}
				return err
			})
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	seen := state{}
	for i, reference := range references {
		seen[reference] = found[i]
	}
	return seen, nil
}

// lacking are the manifests that have to be put: none of the image's if the registry has its root, which holds the rest.
func (p *pusher) lacking(before state) (lacking []manifest) {
	for _, m := range p.image.manifests {
		d := m.descriptor.Digest.String()
		if looked, ok := before[d]; ok && looked == d || !ok && before[p.image.digest] == p.image.digest {
			continue
		}
		lacking = append(lacking, m)
	}
	return lacking
}

// blobsOf are the blobs of the given manifests, each once, in the order of sending: configs, which Quay reads when the
// manifest comes, then the largest first, so that no large one is left for the end.
func blobsOf(manifests []manifest) []v1.Descriptor {
	var configs, layers []v1.Descriptor
	seen := map[v1.Hash]bool{}
	for _, m := range manifests {
		for i, d := range m.blobs() {
			if seen[d.Digest] {
				continue
			}
			seen[d.Digest] = true
			if i == 0 {
				configs = append(configs, d)
			} else {
				layers = append(layers, d)
			}
		}
	}
	slices.SortStableFunc(layers, func(a, b v1.Descriptor) int { return cmp.Compare(b.Size, a.Size) })
	return append(configs, layers...)
}

// sendBlobs uploads those of blobs that the repository lacks.
func (p *pusher) sendBlobs(ctx context.Context, blobs []v1.Descriptor) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(p.opts.Jobs)
	for _, d := range blobs {
		group.Go(func() error { return p.sendBlob(ctx, d) })
	}
	return group.Wait()
}

// sendBlob uploads d unless the repository has it.
func (p *pusher) sendBlob(ctx context.Context, d v1.Descriptor) error {
	return p.retry.run(ctx, "blob "+d.Digest.String(), func(ctx context.Context, _ int) error {
		has, err := p.registry.hasBlob(ctx, d)
		if err != nil || has {
			return err
		}
		err = p.registry.putBlob(ctx, d, func() (io.ReadCloser, error) { return openVerified(ctx, p.source, d, nil) })
		if err == nil {
			p.log.Info("sent a blob", "digest", d.Digest.String(), "bytes", d.Size)
		}
		return err
	})
}

// sendManifest puts m under a tag or its digest.
func (p *pusher) sendManifest(ctx context.Context, reference string, m manifest) error {
	return p.retry.run(ctx, "manifest "+reference, func(ctx context.Context, _ int) error {
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
			if err := p.sendManifest(ctx, tag, p.image.root()); err != nil {
				return err
			}
			p.log.Info("set a tag", "tag", tag, "digest", p.image.digest, "before", before[tag])
			return nil
		})
	}
	return group.Wait()
}

// readBack compares what the registry serves, by digest and by tag, with the source's bytes.
func (p *pusher) readBack(ctx context.Context) error {
	after, err := p.read(ctx, append([]string{p.image.digest}, p.to.tags...))
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
