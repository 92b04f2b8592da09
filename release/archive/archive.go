// Package archive writes archives that have the same bytes wherever and whenever they are made.
package archive

import (
	"archive/tar"
	"cmp"
	"compress/gzip"
	"fmt"
	"io"
	"slices"
	"time"
)

// File is one in an archive.
type File struct {
	Name string
	// Mode is its permissions.
	Mode    int64
	Content []byte
}

// Write writes a tar.gz of the files, in the order of their names, all of that time and nobody's. The error is w's.
func Write(w io.Writer, at time.Time, files []File) error {
	compressed, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	archive := tar.NewWriter(compressed)
	for _, f := range slices.SortedFunc(slices.Values(files), func(a, b File) int { return cmp.Compare(a.Name, b.Name) }) {
		header := tar.Header{Typeflag: tar.TypeReg, Name: f.Name, Mode: f.Mode, Size: int64(len(f.Content)), ModTime: at.UTC().Truncate(time.Second), Format: tar.FormatUSTAR}
		if err := archive.WriteHeader(&header); err != nil {
			return fmt.Errorf("archiving %q: %w", f.Name, err)
		}
		if _, err := archive.Write(f.Content); err != nil {
			return fmt.Errorf("archiving %q: %w", f.Name, err)
		}
	}
	if err := archive.Close(); err != nil {
		return err
	}
	return compressed.Close()
}
