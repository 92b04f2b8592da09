package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/comptech-lab/quay-push/release/cosign"
	"github.com/comptech-lab/quay-push/release/source"
)

const module = "github.com/comptech-lab/quay-push"

// allPlatforms are those that people use tkn quay on.
var allPlatforms = []string{"darwin/amd64", "darwin/arm64", "linux/amd64", "linux/arm64", "windows/amd64", "windows/arm64"}

// release is one that is to be made, and then what is made of it.
type release struct {
	version, registry, key, base, url, out string
	// platforms are os/arch; none are all.
	platforms []string
	// say tells the person what is being done.
	say func(format string, args ...any)

	// scratch is a directory for what is not given out, and dist what will be out.
	scratch, dist string
	tree          source.Tree
	signer        cosign.Signer
}

// check says what of the release is not given, or cannot be.
func (r *release) check() error {
	linux := func(platform string) bool { return strings.HasPrefix(platform, "linux/") }
	switch {
	// An image's tag cannot have build metadata.
	case r.version == "" || semver.Canonical(r.version) != r.version:
		return fmt.Errorf("VERSION is %q, and has to be like v0.2.0 or v0.2.0-rc.1", r.version)
	case r.registry == "":
		return errors.New("REGISTRY is empty, and has to be the host/organization that the images go to")
	case r.key == "":
		return errors.New("KEY is empty, and has to be the file with cosign's private key")
	case r.platforms != nil && !slices.ContainsFunc(r.platforms, linux):
		return fmt.Errorf("PLATFORMS is %q, and has to have one of linux, for the images", strings.Join(r.platforms, ","))
	}
	return nil
}

// run makes the directory out, whole or not at all. Images are in the registry before.
func (r *release) run(ctx context.Context) (err error) {
	if r.out, err = filepath.Abs(r.out); err != nil {
		return err
	}
	if _, err := os.Lstat(r.out); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%q is there already: move it away", r.out)
	}
	if r.scratch, err = os.MkdirTemp("", "quay-push-release-"); err != nil {
		return err
	}
	defer os.RemoveAll(r.scratch)
	if r.tree, err = source.Clone(ctx, ".", filepath.Join(r.scratch, "source"), r.version); err != nil {
		return err
	}
	if r.signer, err = cosign.New(ctx, r.key, r.scratch); err != nil {
		return err
	}
	// Beside out, so that it can be renamed.
	if r.dist, err = os.MkdirTemp(filepath.Dir(r.out), ".dist-"); err != nil {
		return err
	}
	defer os.RemoveAll(r.dist)
	for _, step := range []func(context.Context) error{r.programs, r.sign} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if err := os.Chmod(r.dist, 0o755); err != nil {
		return err
	}
	r.say("%s is in %s", r.version, r.out)
	return os.Rename(r.dist, r.out)
}
