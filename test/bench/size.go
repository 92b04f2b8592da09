package main

import (
	"compress/gzip"
	"context"
	"io"
	"os"
)

// size compresses the program: that is the one layer that an image adds to its base.
func size(_ context.Context, b *bench, c benchCase) ([]clientResult, error) {
	file, err := os.Open(b.program)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	n, err := compressed(file)
	b.printf("%s: %.1f MiB", c.name, n)
	return []clientResult{{Name: b.own.Name, Version: b.own.Version, CompressedMiB: n}}, err
}

// compressed is what gzip makes of r, in MiB.
func compressed(r io.Reader) (float64, error) {
	var n counter
	z := gzip.NewWriter(&n)
	if _, err := io.Copy(z, r); err != nil {
		return 0, err
	}
	err := z.Close()
	return float64(n) / float64(mib), err
}

// counter counts what is written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
