package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/source/choice"
)

// maxSources is how many sources are taken as one index: no Linux distribution is built for more platforms.
const maxSources = 16

// several is the index of several sources, such as the runs of a build for one platform each left them.
type several struct {
	sources []Source
	// index is what this adds to them.
	index v1.Descriptor
	body  []byte
	// owners are the sources by what they have.
	owners map[v1.Hash]Source
}

// openSeveral opens the sources with the given names and makes an index of their images, in that order. What is an index already is
// taken apart: its entries come in its place. The same names and the same images make the same index.
func openSeveral(ctx context.Context, names []string, o Options) (Source, error) {
	if len(names) > maxSources {
		return nil, failure.Usage("--source names %d sources, at most %d are taken", len(names), maxSources)
	}
	s := &several{owners: map[v1.Hash]Source{}}
	if err := s.load(ctx, names, o); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *several) load(ctx context.Context, names []string, o Options) error {
	entries := entries{platforms: map[string]string{}}
	for _, name := range names {
		if name == "" {
			return failure.Usage("--source names several sources, and one of them is empty: look for a comma too many")
		}
		if strings.HasPrefix(name, remotePrefix) {
			return failure.Usage("--source names several sources, and %q is in a registry: only paths are taken together", name)
		}
		member, err := openOne(ctx, name, o)
		if err != nil {
			return err
		}
		s.sources = append(s.sources, member)
		image, err := ReadImage(ctx, member)
		if err != nil {
			return failure.Within(fmt.Sprintf("source %q", name), err)
		}
		if err := s.own(member, image); err != nil {
			return err
		}
		if err := entries.add(ctx, name, member, image); err != nil {
			return err
		}
	}
	var err error
	s.index, s.body, err = entries.index()
	return err
}

// own notes what a source has.
func (s *several) own(member Source, image *Image) error {
	for _, m := range image.Manifests {
		s.owners[m.Descriptor.Digest] = member
	}
	for _, d := range image.Blobs {
		s.owners[d.Digest] = member
	}
	if len(s.owners) > maxBlobs+maxManifests {
		return failure.Refused("the sources have more than %d blobs together", maxBlobs).Then(failure.FewerLayers + "; " + failure.SmallerIndex)
	}
	return nil
}

func (s *several) root() v1.Descriptor { return s.index }

func (s *several) referrers() (all []choice.Referrer) {
	for _, member := range s.sources {
		all = append(all, member.referrers()...)
	}
	return all
}

func (s *several) check(ctx context.Context, d v1.Descriptor) error {
	owner, err := s.owner(d)
	if err != nil {
		return err
	}
	return owner.check(ctx, d)
}

func (s *several) open(ctx context.Context, d v1.Descriptor) (io.ReadCloser, error) {
	if d.Digest == s.index.Digest {
		return io.NopCloser(bytes.NewReader(s.body)), nil
	}
	owner, err := s.owner(d)
	if err != nil {
		return nil, err
	}
	return owner.open(ctx, d)
}

func (s *several) owner(d v1.Descriptor) (Source, error) {
	owner, ok := s.owners[d.Digest]
	if !ok {
		return nil, failure.Missing(nil, "%q is in none of the sources", d.Digest)
	}
	return owner, nil
}

func (s *several) Close() (err error) {
	for _, member := range s.sources {
		err = errors.Join(err, member.Close())
	}
	return err
}
