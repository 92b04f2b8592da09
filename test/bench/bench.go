package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/comptech-lab/quay-push/internal/benchmark"
	"github.com/comptech-lab/quay-push/test/bench/client"
	"github.com/comptech-lab/quay-push/test/bench/registry"
)

// bench is one run of the benchmark.
type bench struct {
	rounds int
	// dir has images, credentials and podman's storage; it is removed at the end.
	dir     string
	storage string
	own     *client.Client
	program string // of own
	peers   []*client.Client
	out     io.Writer
	began   time.Time
}

// open gets all programs.
func open(ctx context.Context, root string, rounds int, out io.Writer) (*bench, error) {
	b := &bench{rounds: rounds, storage: ramDisk(), out: out, began: time.Now()}
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	bin := filepath.Join(cache, "quay-push", "bench")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return nil, err
	}
	b.printf("building push-image and looking for its peers")
	if err := client.Install(ctx, bin, out); err != nil {
		return nil, err
	}
	if b.program, err = client.Build(ctx, root, bin, out); err != nil {
		return nil, err
	}
	if b.dir, err = os.MkdirTemp("", "bench-"); err != nil {
		return nil, err
	}
	b.own = client.PushImage(b.program)
	b.peers = []*client.Client{client.Crane(bin), client.Regctl(bin), client.Skopeo(ctx), client.Podman(ctx, filepath.Join(b.dir, "podman"))}
	return b, nil
}

func (b *bench) close() {
	if err := os.RemoveAll(b.dir); err != nil {
		b.printf("removing %s: %v", b.dir, err)
	}
}

// run runs one case.
func (b *bench) run(ctx context.Context, c benchCase) (result, error) {
	b.printf("%s: %s", c.name, c.title)
	r := result{Case: c.name, Title: c.title, RTTMillis: c.rtt.Milliseconds(), Unpacks: c.unpacks, Time: time.Now().UTC().Format(time.RFC3339), Load: benchmark.Load()}
	clients, err := c.measure(ctx, b, c)
	r.Clients = clients
	return r, err
}

// target is where a client pushes to on host.
func (b *bench) target(host, caFile, repository string) (client.Target, error) {
	t := client.Target{Ref: host + "/bench/" + repository + ":v1", CADir: filepath.Join(b.dir, "ca"), AuthDir: filepath.Join(b.dir, "auth")}
	ca, err := os.ReadFile(caFile)
	if err != nil {
		return t, err
	}
	auth := base64.StdEncoding.EncodeToString([]byte(registry.Username + ":" + registry.Password))
	config := fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, host, auth)
	return t, errors.Join(os.MkdirAll(t.CADir, 0o755), os.MkdirAll(t.AuthDir, 0o755),
		os.WriteFile(filepath.Join(t.CADir, "ca.crt"), ca, 0o644), os.WriteFile(filepath.Join(t.AuthDir, "config.json"), []byte(config), 0o600))
}

// printf tells how far the benchmark is.
func (b *bench) printf(format string, args ...any) {
	fmt.Fprintf(b.out, "%6.1fs  %s\n", time.Since(b.began).Seconds(), fmt.Sprintf(format, args...))
}

// ramDisk is a directory whose files are in memory; without one, blobs are stored on disk.
func ramDisk() string {
	if exists("/dev/shm") {
		return "/dev/shm"
	}
	return os.TempDir()
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
