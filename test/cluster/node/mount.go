package node

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// coverHost puts a memory file system over /run and a layer over /var, in the mount namespace that the daemon was
// started in: the paths that containerd, kubelet and CNI have built in stay off the host, and end with the namespace.
func (n Node) coverHost() error {
	upper, work := n.path("var", "upper"), n.path("var", "work")
	for _, dir := range []string{upper, work} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if err := unix.Mount("quay-push", "/run", "tmpfs", 0, "mode=0755"); err != nil {
		return fmt.Errorf("mounting over %q: %w", "/run", err)
	}
	layers := fmt.Sprintf("lowerdir=/var,upperdir=%s,workdir=%s", upper, work)
	if err := unix.Mount("quay-push", "/var", "overlay", 0, layers); err != nil {
		return fmt.Errorf("mounting over %q: %w", "/var", err)
	}
	return nil
}

// nameServices has what runs in the mount namespace ask the cluster for names, so that containerd finds a registry that is a Service.
func (n Node) nameServices() error {
	const path = "/etc/resolv.conf"
	// A link into /run leads nowhere by now.
	if target, err := os.Readlink(path); err == nil {
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(path), target)
		}
		if strings.HasPrefix(target, "/run/") {
			if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(target, nil, 0o644); err != nil {
				return err
			}
		}
	}
	if err := unix.Mount(n.path("settings", "resolv.conf"), path, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("mounting over %q: %w", path, err)
	}
	return nil
}
