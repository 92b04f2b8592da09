package push

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/source"
	"github.com/comptech-lab/quay-push/pkg/push/source/document"
)

// blobLease is how long after its upload a blob is sure to be there without a manifest: Quay gives it an hour
// (quay/quay config.py, PUSH_TEMP_TAG_EXPIRATION_SEC).
const blobLease = 50 * time.Minute

// state is what the registry has under each tag and digest: the digest of the bytes it served, "" for nothing.
type state map[string]string

// look asks for what is to be pushed, and what the tags point at.
func (p *pusher) look(ctx context.Context) (state, error) {
	references := slices.Clone(p.to.Tags)
	for _, m := range p.image.Manifests {
		if d := m.Descriptor.Digest.String(); d == p.image.Digest || m.Subject != nil {
			references = append(references, d)
		}
	}
	before, err := p.fetch(ctx, references)
	if err != nil {
		return nil, err
	}
	for _, tag := range p.to.Tags {
		if got := before[tag]; p.opts.IfTagAbsent && !p.isAnchor(tag) && got != "" && got != p.image.Digest {
			return nil, &failure.Error{Class: failure.ClassTagExists, Problem: fmt.Sprintf("tag %q exists", tag),
				Proof: fmt.Sprintf("it is %s, the source %s", got, p.image.Digest), Next: "choose a new tag in " + failure.TagFlag + ", or leave --if-tag-absent out"}
		}
	}
	return before, nil
}

// fetch gets the manifests under the given references, several at a time.
func (p *pusher) fetch(ctx context.Context, references []string) (state, error) {
	found := make([]string, len(references))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(p.opts.Jobs)
	for i, reference := range references {
		group.Go(func() error {
			return p.retry.Run(ctx, "reading "+reference, func(ctx context.Context, _ int) error {
				body, err := p.registry.GetManifest(ctx, reference)
				if err == nil && body != nil {
					found[i] = document.DigestOf(body)
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
func (p *pusher) lacking(before state) (lacking []source.Manifest) {
	for _, m := range p.image.Manifests {
		d := m.Descriptor.Digest.String()
		if got, looked := before[d]; looked && got == d || !looked && before[p.image.Digest] == p.image.Digest {
			continue
		}
		lacking = append(lacking, m)
	}
	return lacking
}

// stale are the tags that have to be set.
func (p *pusher) stale(before state) (stale []string) {
	for _, tag := range p.to.Tags {
		if before[tag] != p.image.Digest {
			stale = append(stale, tag)
		}
	}
	return stale
}

// blobsOf are the blobs of the given manifests, each once, in the order of uploading: configs, which Quay reads when the
// manifest comes, then the largest first, so that no large one is left for the end.
func blobsOf(manifests []source.Manifest) []v1.Descriptor {
	var configs, layers []v1.Descriptor
	seen := map[v1.Hash]bool{}
	for _, m := range manifests {
		for i, d := range m.Blobs() {
			switch {
			case seen[d.Digest]:
				continue
			case i == 0:
				configs = append(configs, d)
			default:
				layers = append(layers, d)
			}
			seen[d.Digest] = true
		}
	}
	slices.SortStableFunc(layers, func(a, b v1.Descriptor) int { return cmp.Compare(b.Size, a.Size) })
	return append(configs, layers...)
}
