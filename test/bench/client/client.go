// Package client runs the programs that push, each as its documentation says it is used, and measures them from outside.
package client

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// Kinds of sources, by the prefix that skopeo and push-image give them.
const (
	Layout  = "oci"
	Archive = "docker-archive"
)

// Source is an image on disk, made by package image.
type Source struct {
	// Kind is Layout or Archive.
	Kind string
	// Path is the directory or the file.
	Path string
}

// Target is where an image goes, and what a client needs to know for that.
type Target struct {
	// Ref is host/organization/name:tag.
	Ref string
	// CADir is a directory with the authority's certificate, ca.crt; AuthDir one with a config.json for the host.
	CADir, AuthDir string
}

// Client is a program that pushes.
type Client struct {
	// Name is what reports call it.
	Name string
	// Version is what is measured.
	Version string

	// args is the command line that pushes.
	args func(s Source, t Target) []string
	// load gets an image to where the client pushes it from; nil if it needs nothing.
	load func(ctx context.Context, s Source) error
}

// Cost is what a push took.
type Cost struct {
	// Wall is from the start of the process to its end.
	Wall time.Duration
	// CPU is what the process used of the processors.
	CPU time.Duration
}

// most is how long a push may take.
const most = 5 * time.Minute

// Load prepares s, outside of what is measured.
func (c *Client) Load(ctx context.Context, s Source) error {
	if c.load == nil {
		return nil
	}
	return c.load(ctx, s)
}

// Command is the push of s to t, not started. It sees no configuration but the target's, and nothing that an earlier push
// left behind.
func (c *Client) Command(ctx context.Context, s Source, t Target) *exec.Cmd {
	args := c.args(s, t)
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.AuthDir, "TMPDIR=" + os.TempDir(),
		"DOCKER_CONFIG=" + t.AuthDir, "SSL_CERT_FILE=" + t.CADir + "/ca.crt"}
	return cmd
}

// Push pushes s to t. The error has what the program said.
func (c *Client) Push(ctx context.Context, s Source, t Target) (Cost, error) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	if err := forget(); err != nil {
		return Cost{}, err
	}
	cmd := c.Command(ctx, s, t)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	began := time.Now()
	err := cmd.Run()
	wall := time.Since(began)
	if err != nil {
		text := output.Bytes()
		return Cost{}, fmt.Errorf("pushing with %s: %w\n%s", c.Name, err, text[max(0, len(text)-2000):])
	}
	return Cost{Wall: wall, CPU: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}, nil
}

// blobCache is where skopeo and podman note, for root, which blobs they saw where.
const blobCache = "/var/lib/containers/cache/blob-info-cache-v1.boltdb"

// forget removes the blob info cache: a Pod that pushes has none.
func forget() error {
	if err := os.Remove(blobCache); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}
