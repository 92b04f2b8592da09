package client

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"

	"github.com/comptech-lab/quay-push/test/bench/image"
)

// Versions of the clients that are built here; those from Debian are the ones that it has.
const (
	craneVersion  = "v0.22.1"
	regctlVersion = "v0.11.7"
)

// PushImage is the project's own program, at path.
func PushImage(path string) *Client {
	return &Client{Name: "push-image", Version: "this commit", args: func(s Source, t Target) []string {
		return []string{path, "--source", s.Kind + ":" + s.Path, "--image-ref", t.Ref, "--dockerconfig", t.AuthDir,
			"--ca-file", filepath.Join(t.CADir, "ca.crt")}
	}}
}

// PushImageZstd is the project's own program as it is told to compress with zstd.
func PushImageZstd(path string) *Client {
	c := PushImage(path)
	args := c.args
	c.Name = "push-image-zstd"
	c.args = func(s Source, t Target) []string { return append(args(s, t), "--compression", "zstd") }
	return c
}

// Crane is go-containerregistry's, in bin.
func Crane(bin string) *Client {
	return &Client{Name: "crane", Version: craneVersion, args: func(s Source, t Target) []string {
		return []string{filepath.Join(bin, "crane"), "push", s.Path, t.Ref}
	}}
}

// Regctl is regclient's, in bin.
func Regctl(bin string) *Client {
	return &Client{Name: "regctl", Version: regctlVersion, args: func(s Source, t Target) []string {
		if s.Kind == Archive {
			return []string{filepath.Join(bin, "regctl"), "image", "import", t.Ref, s.Path}
		}
		return []string{filepath.Join(bin, "regctl"), "image", "copy", "ocidir://" + s.Path + ":" + image.Tag, t.Ref}
	}}
}

// Skopeo is Debian's.
func Skopeo(ctx context.Context) *Client {
	return &Client{Name: "skopeo", Version: debianVersion(ctx, "skopeo"), args: func(s Source, t Target) []string {
		return []string{"skopeo", "--insecure-policy", "copy", "--authfile", filepath.Join(t.AuthDir, "config.json"),
			"--dest-cert-dir", t.CADir, name(s), "docker://" + t.Ref}
	}}
}

// Podman is Debian's. It pushes from containers-storage alone, which is in the new directory storage; loading an image into
// that is a part of its way, and not measured.
func Podman(ctx context.Context, storage string) *Client {
	root, run := filepath.Join(storage, "root"), filepath.Join(storage, "run")
	local := func(s Source) string { return "localhost/" + filepath.Base(s.Path) + ":" + image.Tag }
	return &Client{Name: "podman", Version: debianVersion(ctx, "podman"),
		args: func(s Source, t Target) []string {
			return []string{"podman", "--root", root, "--runroot", run, "--storage-driver", "vfs", "push",
				"--authfile", filepath.Join(t.AuthDir, "config.json"), "--cert-dir", t.CADir, local(s), t.Ref}
		},
		load: func(ctx context.Context, s Source) error {
			load := exec.CommandContext(ctx, "skopeo", "--insecure-policy", "copy", name(s),
				fmt.Sprintf("containers-storage:[vfs@%s+%s]%s", root, run, local(s)))
			if output, err := load.CombinedOutput(); err != nil {
				return fmt.Errorf("loading %q for podman: %w\n%s", s.Path, err, output)
			}
			return nil
		}}
}

// name is how skopeo calls the source.
func name(s Source) string {
	if s.Kind == Archive {
		return s.Kind + ":" + s.Path
	}
	return s.Kind + ":" + s.Path + ":" + image.Tag
}
