package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/comptech-lab/quay-push/release/image"
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

// attest signs every image, those of the platforms and the indexes over them, and what is known of each; then the bundle, in which no
// program is, and so nothing that an SBOM lists.
func (r *release) attest(ctx context.Context, pushed image.Pushed, bundle string) error {
	for _, reference := range append(slices.Sorted(maps.Keys(pushed.SBOMs)), bundle) {
		r.say("signing %s", reference)
		err := errors.Join(
			r.signer.Image(ctx, reference),
			r.signer.Attest(ctx, reference, "slsaprovenance1", filepath.Join(r.dist, "provenance.json")),
		)
		if sbom, ok := pushed.SBOMs[reference]; ok && err == nil {
			err = r.signer.Attest(ctx, reference, "spdxjson", sbom)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sign leaves checksums of all files, and signatures of what people apply and run, and of the checksums.
func (r *release) sign(ctx context.Context) error {
	entries, err := os.ReadDir(r.dist)
	if err != nil {
		return err
	}
	names := []string{}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	sums, err := checksums(r.dist, names)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(r.dist, checksumFile), sums, 0o644); err != nil {
		return err
	}
	for _, name := range append(names, checksumFile) {
		if name == checksumFile || strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".tar.gz") {
			if err := r.signer.File(ctx, filepath.Join(r.dist, name)); err != nil {
				return err
			}
		}
	}
	return nil
}
