package source

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/sync/errgroup"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/source/compress"
	"github.com/comptech-lab/quay-push/pkg/push/source/scratch"
)

// layersAtOnce is how many layers are worked on at the same time: the blocks of one keep all CPUs busy but for its start and
// its end.
const layersAtOnce = 2

// savedLayer is a layer of a docker-archive, as the manifest names it.
type savedLayer struct {
	mediaType types.MediaType
	// digest is that of content, diffID of what is in it without compression.
	digest, diffID v1.Hash
	content        *io.SectionReader
	scratch        *scratch.File
}

// layers reads, and if need be compresses, the layers with the given names, each once, and holds them against the diff_ids.
func (d *dockerArchive) layers(ctx context.Context, o Options, names []string, diffIDs []v1.Hash) ([]v1.Descriptor, error) {
	c, err := compress.New(o.Compression)
	if err != nil {
		return nil, err
	}
	files := make([]string, len(names))
	for i, name := range names {
		// Old versions of Docker link to a layer that is there already.
		if files[i], err = d.archive.Follow(name); err != nil {
			return nil, err
		}
	}
	made := make([]savedLayer, len(names))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(layersAtOnce)
	for i, name := range files {
		if slices.Index(files, name) == i {
			group.Go(func() (err error) {
				made[i], err = d.layer(groupCtx, o.Log, c, name)
				return err
			})
		}
	}
	err = group.Wait()
	for _, l := range made {
		if l.scratch != nil {
			d.scratch = append(d.scratch, l.scratch)
		}
	}
	if err != nil {
		return nil, failure.Ended(ctx, err)
	}
	layers := []v1.Descriptor{}
	for i, name := range files {
		l := made[slices.Index(files, name)]
		if l.diffID != diffIDs[i] {
			return nil, failure.Corrupt("layer %q hashes to %q, the config says %q", d.archive.Path(name), l.diffID, diffIDs[i])
		}
		d.contents[l.digest] = l.content
		layers = append(layers, v1.Descriptor{MediaType: l.mediaType, Size: l.content.Size(), Digest: l.digest})
	}
	return layers, nil
}

// layer reads one layer: a compressed one stays as it is.
func (d *dockerArchive) layer(ctx context.Context, log *slog.Logger, c *compress.Compressor, name string) (savedLayer, error) {
	content, err := d.archive.Section(name)
	if err != nil {
		return savedLayer{}, err
	}
	if format := compress.Format(content); format != "" {
		return d.compressedLayer(ctx, format, name, content)
	}
	s, err := scratch.New("the compressed layers")
	if err != nil {
		return savedLayer{}, err
	}
	digest, diffID := sha256.New(), sha256.New()
	if err := c.Compress(ctx, io.MultiWriter(s, digest), io.TeeReader(content, diffID)); err != nil {
		s.Close()
		if ctx.Err() == nil && !errors.As(err, new(*failure.Error)) {
			err = failure.Unreadable(err, fmt.Sprintf("layer %q", d.archive.Path(name)))
		}
		return savedLayer{}, err
	}
	log.Info("compressed a layer", "layer", name, "type", c.MediaType(), "bytes", content.Size(), "compressed_bytes", s.Size())
	return savedLayer{c.MediaType(), hashOf(digest), hashOf(diffID), s.Section(), s}, nil
}

// compressedLayer reads a layer that is compressed, for its two digests.
func (d *dockerArchive) compressedLayer(ctx context.Context, format, name string, content *io.SectionReader) (savedLayer, error) {
	digest, diffID := sha256.New(), sha256.New()
	mediaType, err := compress.Decompress(ctx, diffID, format, io.TeeReader(content, digest))
	if err != nil && ctx.Err() != nil {
		return savedLayer{}, err
	} else if err != nil {
		return savedLayer{}, failure.Corrupt("layer %q cannot be decompressed: %v", d.archive.Path(name), err)
	}
	if mediaType == "" {
		return savedLayer{}, failure.Refused("layer %q is compressed with %s, which OCI does not define for a layer", d.archive.Path(name), format).Then("let the build compress its layers with gzip or zstd, or not at all")
	}
	return savedLayer{mediaType, hashOf(digest), hashOf(diffID), content, nil}, nil
}

// keep makes body a part of the image.
func (d *dockerArchive) keep(mediaType types.MediaType, body []byte) v1.Descriptor {
	digest := sha256.New()
	digest.Write(body)
	of := v1.Descriptor{MediaType: mediaType, Size: int64(len(body)), Digest: hashOf(digest)}
	d.contents[of.Digest] = io.NewSectionReader(bytes.NewReader(body), 0, of.Size)
	return of
}

func hashOf(h hash.Hash) v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(h.Sum(nil))}
}
