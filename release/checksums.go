package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
)

// checksumFile has the checksum of every file of a release but of signatures.
const checksumFile = "checksums.txt"

// checksums are those of the files of these names in dir, as sha256sum --check reads them.
func checksums(dir string, names []string) ([]byte, error) {
	var sums bytes.Buffer
	for _, name := range names {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(content), name)
	}
	return sums.Bytes(), nil
}
