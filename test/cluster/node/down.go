package node

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Down ends the cluster, if there is one, and removes everything but the programs in Dir/bin.
func (n Node) Down(ctx context.Context) error {
	if err := requireRoot(); err != nil {
		return err
	}
	held, err := turn(n.Dir)
	if err != nil {
		return err
	}
	defer held.Close()
	if err := n.clear(ctx); err != nil {
		return err
	}
	_ = os.Remove(n.Dir) // stays if anything is in bin
	return nil
}

// clear kills what runs and deletes what is on disk. Mounts and the network namespace go with the last process.
func (n Node) clear(ctx context.Context) error {
	if err := n.stop(); err != nil {
		return err
	}
	entries, err := os.ReadDir(n.Dir)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Name() == "bin" {
			continue
		}
		if err := os.RemoveAll(filepath.Join(n.Dir, entry.Name())); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// stop kills every process of the cluster. Nothing that it would do at an end in order outlives it.
func (n Node) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	// The daemon's programs first: they would start a container again.
	for _, name := range append([]string{n.cgroup()}, n.containers()...) {
		if err := emptyCgroups(ctx, cgroupRoot, name); err != nil {
			return fmt.Errorf("stopping the cluster: %w", err)
		}
	}
	return nil
}

// containers returns the cgroup of each container, below every hierarchy's root: containerd keeps a directory of its name.
func (n Node) containers() (cgroups []string) {
	dirs, _ := filepath.Glob(n.path("containerd", "io.containerd.runtime.v2.task", "k8s.io", "*")) // It fails for a bad pattern alone.
	for _, dir := range dirs {
		cgroups = append(cgroups, filepath.Join("k8s.io", filepath.Base(dir)))
	}
	return cgroups
}
