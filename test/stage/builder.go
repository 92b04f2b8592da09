package stage

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// BaseImage is what the stage's source is built upon, in the platform team's organization of Quay.
const BaseImage = quayHost + "/" + baseImages + "/busybox:1"

//go:embed git-clone.yaml
var gitClone string

// Builder is what real builds take, beside the tenant's own.
type Builder struct {
	// Image is Debian's buildah and git, by digest, in the cluster's registry.
	Image string
}

// OpenBuilder makes real builds possible: it puts an image with buildah and git into the cluster's registry, BaseImage into Quay, a Task
// git-clone into the shared namespace, and into the tenants' what reads base images and sources. Root file systems are made once, by
// debootstrap, and kept in the user's cache directory.
func (s *Stage) OpenBuilder(ctx context.Context) (*Builder, error) {
	start := time.Now()
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(cache, "quay-push", "builder")
	script := exec.CommandContext(ctx, "test/stage/builder.sh", dir)
	script.Dir, script.Stdout, script.Stderr = s.root, s.log, s.log
	if err := script.Run(); err != nil {
		return nil, fmt.Errorf("making root file systems in %q: %w", dir, err)
	}
	base, err := imageOf(filepath.Join(dir, "base.tar.gz"), "/bin")
	if err != nil {
		return nil, err
	}
	repository, tag, _ := strings.Cut(BaseImage, ":")
	if err := s.Quay.Write(ctx, base, repository, tag); err != nil {
		return nil, err
	}
	b := &Builder{}
	if b.Image, err = pushBuilder(ctx, filepath.Join(dir, "buildah.tar.gz")); err != nil {
		return nil, err
	}
	task := strings.NewReader(strings.ReplaceAll(gitClone, "BUILDER", b.Image))
	if err := s.kubectl(ctx, task, "apply", "--filename=-", "--namespace="+SharedNamespace); err != nil {
		return nil, err
	}
	for _, t := range []Tenant{Payments, Platform} {
		if err := s.putBuildSecrets(ctx, t); err != nil {
			return nil, err
		}
	}
	fmt.Fprintf(s.log, "  ready after %3.0fs: buildah in %s, base image %s\n", time.Since(start).Seconds(), b.Image, BaseImage)
	return b, nil
}

// pushBuilder puts an image of the layer into the cluster's registry, and returns its reference.
func pushBuilder(ctx context.Context, layer string) (string, error) {
	image, err := imageOf(layer, "/usr/sbin:/usr/bin:/sbin:/bin")
	if err != nil {
		return "", err
	}
	return pushImage(ctx, image, "buildah")
}

// imageOf returns an image of one layer, a compressed tar file, whose programs are found in path.
func imageOf(file, path string) (v1.Image, error) {
	layer, err := tarball.LayerFromFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading layer %q: %w", file, err)
	}
	image, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: "linux", Architecture: runtime.GOARCH,
		Config: v1.Config{Env: []string{"PATH=" + path}}, RootFS: v1.RootFS{Type: "layers"}})
	if err != nil {
		return nil, err
	}
	// buildah takes no base image whose history misses a layer.
	return mutate.Append(image, mutate.Addendum{Layer: layer, History: v1.History{CreatedBy: "debootstrap"}})
}
