package compress

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"runtime"

	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/sync/errgroup"
)

// blockSize is how many bytes are compressed as one piece: large enough that starting without a dictionary costs nothing that
// could be measured in gzip, and 3 % of the size in zstd. Changing it changes the digest of every image from a docker-archive.
const blockSize = 1 << 20

// maxBlocks bounds the memory of a compressor: each block needs about 3 MiB in gzip and 5 MiB in zstd.
const maxBlocks = 16

// Compressor compresses on all CPUs. What it writes depends on what it reads alone, not on their number or speed. It is safe for
// concurrent use; all users share its blocks.
type Compressor struct {
	format output
	free   chan *block
}

// output is a format that is written.
type output struct {
	mediaType types.MediaType
	// piece makes what compresses a piece of the input to whole bytes, so that another one can follow. What it writes depends on the
	// piece alone, not on those before.
	piece func() (func(to *bytes.Buffer, in []byte) error, error)
	// frame makes what stands around the pieces of one stream.
	frame func() frame
}

// frame is what stands around the pieces of a stream.
type frame interface {
	start() []byte
	// add is told each piece of the input, in order.
	add(in []byte)
	end() ([]byte, error)
}

// block is a piece of the input, and what becomes of it.
type block struct {
	in       []byte
	out      bytes.Buffer
	compress func(to *bytes.Buffer, in []byte) error
	done     chan error
}

// New returns a compressor to the given format, "gzip" or "zstd", with blocks for all CPUs.
func New(format string) (*Compressor, error) {
	o, ok := outputs[format]
	if !ok {
		return nil, fmt.Errorf("nothing compresses to %q", format)
	}
	// Two more than can be compressed at once: one that is read into, one that is written out.
	n := min(runtime.GOMAXPROCS(0)+2, maxBlocks)
	c := &Compressor{format: o, free: make(chan *block, n)}
	for range n {
		compress, err := o.piece()
		if err != nil {
			return nil, err
		}
		c.free <- &block{compress: compress, done: make(chan error, 1)}
	}
	return c, nil
}

// MediaType is that of a layer as Compress writes it.
func (c *Compressor) MediaType() types.MediaType { return c.format.mediaType }

// Compress reads content to its end and writes it to w. The error is that of one of the two, or of ctx.
func (c *Compressor) Compress(ctx context.Context, w io.Writer, content io.Reader) error {
	frame := c.format.frame()
	if _, err := w.Write(frame.start()); err != nil {
		return err
	}
	order := make(chan *block, cap(c.free))
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(order)
		return c.split(ctx, content, frame, order)
	})
	group.Go(func() error { return c.join(w, order) })
	if err := group.Wait(); err != nil {
		return err
	}
	end, err := frame.end()
	if err == nil {
		_, err = w.Write(end)
	}
	return err
}

// split reads content block by block, tells frame of each and has it compressed.
func (c *Compressor) split(ctx context.Context, content io.Reader, frame frame, order chan<- *block) error {
	for {
		var b *block
		select {
		case b = <-c.free:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if b.in == nil {
			b.in = make([]byte, blockSize)
		}
		n, err := io.ReadFull(content, b.in[:blockSize])
		if n == 0 || err != nil && err != io.ErrUnexpectedEOF {
			c.free <- b
			if err == io.EOF {
				err = nil
			}
			return err
		}
		b.in = b.in[:n]
		frame.add(b.in)
		order <- b
		go b.run()
	}
}

// join writes the blocks in the order in which they were read. Whatever happens, all of them become free again.
func (c *Compressor) join(w io.Writer, order <-chan *block) error {
	var failed error
	for b := range order {
		err := <-b.done
		if err == nil && failed == nil {
			_, err = w.Write(b.out.Bytes())
		}
		if failed == nil {
			failed = err
		}
		c.free <- b
	}
	return failed
}

// run compresses in.
func (b *block) run() {
	b.out.Reset()
	b.done <- b.compress(&b.out, b.in)
}
