package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/klauspost/compress/zstd"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/source/compress"
	"github.com/comptech-lab/quay-push/pkg/push/source/scratch"
)

// maxUnpacked is how many bytes a tar file that is compressed as a whole may have without compression, so that a small one cannot fill a
// node's disk: as many as Quay takes for one layer where nobody changed that (quay/quay config.py, MAXIMUM_LAYER_SIZE).
const maxUnpacked = 20 << 30

// unpack decompresses a tar file that is compressed as a whole into a temporary file: it cannot be read where it lies. It stops behind
// the given number of bytes.
func unpack(ctx context.Context, file *os.File, format string, most int64) (*scratch.File, error) {
	path := file.Name()
	unpacked, err := scratch.New("the contents of the compressed tar file")
	if err != nil {
		return nil, err
	}
	mediaType, err := compress.Decompress(ctx, &limited{unpacked, most}, format, file)
	if err == nil && mediaType != "" {
		return unpacked, nil
	}
	unpacked.Close()
	const plainly = "let the build leave a plain tar file: its layers are compressed already, or will be"
	switch {
	case err == nil:
		return nil, failure.Refused("%q is compressed with %s, and only gzip and zstd are read", path, format).Then(plainly + "; or compress it with gzip")
	case ctx.Err() != nil:
		return nil, failure.Ended(ctx, err)
	case errors.Is(err, errLimit):
		return nil, failure.Refused("%q has more than %d bytes once it is decompressed, at most so many are taken", path, most).Then(failure.AsDirectory)
	case errors.Is(err, zstd.ErrWindowSizeExceeded):
		return nil, failure.Refused("%q is compressed with a window of more than 8 MiB, more than a reader of zstd needs to have", path).Then(
			"compress it without --long and --ultra; or " + plainly)
	case errors.As(err, new(*failure.Error)):
		return nil, err
	case errors.As(err, new(*fs.PathError)):
		return nil, failure.Unreadable(err, fmt.Sprintf("%q", path))
	}
	return nil, failure.Corrupt("%q cannot be decompressed (%s), or is cut off: %v", path, format, err)
}

// errLimit is the end of content that is too large.
var errLimit = errors.New("the content is too large")

// limited takes so many bytes, and no more.
type limited struct {
	w    io.Writer
	left int64
}

func (l *limited) Write(p []byte) (int, error) {
	if l.left -= int64(len(p)); l.left < 0 {
		return 0, errLimit
	}
	return l.w.Write(p)
}
