package compress

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"

	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zstd"
)

// outputs are the formats that are written, by the names that --compression has for them.
var outputs = map[string]output{
	"gzip": {types.OCILayer, deflater, func() frame { return &gzipFrame{} }},
	"zstd": {types.OCILayerZStd, zstandard, func() frame { return &zstdFrame{} }},
}

// IsOutput reports whether format is one that New takes.
func IsOutput(format string) bool {
	_, ok := outputs[format]
	return ok
}

// How layers are compressed. Changing either changes the digest of every image from a docker-archive.
const (
	// gzipLevel is as fast as level 1 and 2 % smaller, measured on a tar file of /usr.
	gzipLevel = 2
	// zstdLevel takes no longer than gzipLevel, and what it writes is a tenth to a fifth smaller, measured on /usr/bin and on text. The next
	// level takes 1.7 times as long for 7 to 9 % less.
	zstdLevel = zstd.SpeedFastest
)

// deflater compresses a piece to blocks of deflate.
func deflater() (func(*bytes.Buffer, []byte) error, error) {
	w, err := flate.NewWriter(nil, gzipLevel)
	if err != nil {
		return nil, err
	}
	return func(to *bytes.Buffer, in []byte) error {
		w.Reset(to)
		if _, err := w.Write(in); err != nil {
			return err
		}
		return w.Flush()
	}, nil
}

// gzipFrame is one member of gzip (RFC 1952): Quay's time for several of them grows with the square of the size.
type gzipFrame struct{ checksum, size uint32 }

// start is the header: deflate, no time, no name, unknown system.
func (*gzipFrame) start() []byte { return []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff} }

func (f *gzipFrame) add(in []byte) {
	f.checksum = crc32.Update(f.checksum, crc32.IEEETable, in)
	f.size += uint32(len(in))
}

// end is an empty last block, the checksum, and the size modulo 2^32.
func (f *gzipFrame) end() ([]byte, error) {
	end := binary.LittleEndian.AppendUint32([]byte{3, 0}, f.checksum)
	return binary.LittleEndian.AppendUint32(end, f.size), nil
}

// zstandard compresses a piece to a frame of its own (RFC 8878 section 3.1): readers take any number of them. It has no checksum,
// since layers have digests.
func zstandard() (func(*bytes.Buffer, []byte) error, error) {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstdLevel), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(blockSize),
		zstd.WithEncoderCRC(false), zstd.WithZeroFrames(true))
	if err != nil {
		return nil, err
	}
	return func(to *bytes.Buffer, in []byte) error {
		to.Write(w.EncodeAll(in, to.AvailableBuffer()))
		return nil
	}, nil
}

// zstdFrame adds nothing to the pieces, unless there is none: no bytes at all are no zstd.
type zstdFrame struct{ filled bool }

func (*zstdFrame) start() []byte { return nil }

func (f *zstdFrame) add(in []byte) { f.filled = true }

func (f *zstdFrame) end() ([]byte, error) {
	if f.filled {
		return nil, nil
	}
	compress, err := zstandard()
	if err != nil {
		return nil, err
	}
	var empty bytes.Buffer
	err = compress(&empty, nil)
	return empty.Bytes(), err
}
