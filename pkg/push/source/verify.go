package source

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// verified is the content of a blob, hashed while it is read. Its last bytes come only if the digest is right, so that
// wrong content is never complete at the registry.
type verified struct {
	content io.ReadCloser
	want    v1.Descriptor
	hash    hash.Hash
	read    int64
	// count is told the bytes that were read; it may be nil.
	count func(n int)
}

// OpenVerified opens the content of d in s.
func OpenVerified(ctx context.Context, s Source, d v1.Descriptor, count func(int)) (io.ReadCloser, error) {
	content, err := s.open(ctx, d)
	if err != nil {
		return nil, err
	}
	return &verified{content: content, want: d, hash: sha256.New(), count: count}, nil
}

// Verify reads the content of d in s to its end.
func Verify(ctx context.Context, s Source, d v1.Descriptor) error {
	content, err := OpenVerified(ctx, s, d, nil)
	if err != nil {
		return err
	}
	defer content.Close()
	_, err = io.Copy(io.Discard, content)
	return err
}

func (v *verified) Read(p []byte) (int, error) {
	if v.read == v.want.Size {
		return 0, v.end()
	}
	p = p[:min(int64(len(p)), v.want.Size-v.read)]
	n, err := v.content.Read(p)
	v.hash.Write(p[:n])
	v.read += int64(n)
	if v.read == v.want.Size {
		if err := v.end(); err != io.EOF {
			return 0, err
		}
	} else if err == io.EOF {
		return n, failure.Corrupt("blob %q ends after %d of %d bytes", v.want.Digest, v.read, v.want.Size)
	} else if reason := (*failure.Error)(nil); errors.As(err, &reason) {
		return n, err
	} else if err != nil {
		return n, failure.Unreadable(err, fmt.Sprintf("blob %q", v.want.Digest))
	}
	if v.count != nil {
		v.count(n)
	}
	return n, nil
}

// end compares the digest; io.EOF if it is right.
func (v *verified) end() error {
	if got := hex.EncodeToString(v.hash.Sum(nil)); got != v.want.Digest.Hex {
		return withWitness(v.content, failure.Corrupt("blob %q hashes to %q", v.want.Digest, "sha256:"+got))
	}
	return io.EOF
}

// witness is content that knows what it came from.
type witness interface {
	// Other adds to e, the error for content that is not what it should be, what came in its place.
	Other(e *failure.Error) *failure.Error
}

// withWitness adds to e, which is about content, what that came from, if it knows.
func withWitness(content io.Reader, e *failure.Error) *failure.Error {
	if w, ok := content.(witness); ok {
		return w.Other(e)
	}
	return e
}

func (v *verified) Close() error { return v.content.Close() }
