package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// joinCgroup moves this process below root/name, where all the daemon's programs will be, in the cgroup version 2 hierarchy or
// else in systemd's or the pids controller's.
func joinCgroup(root, name string) error {
	for _, hierarchy := range []string{".", "unified", "systemd", "pids"} {
		if _, err := os.Stat(filepath.Join(root, hierarchy, "cgroup.procs")); err != nil {
			continue
		}
		// A leaf: in version 2 only leaves hold processes.
		leaf := filepath.Join(root, hierarchy, name, "daemon")
		if err := os.MkdirAll(leaf, 0o755); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(leaf, "cgroup.procs"), []byte("0"), 0)
	}
	return fmt.Errorf("joining a cgroup: no hierarchy below %q", root)
}

// emptyCgroups kills every process below root/*/name, in every hierarchy, and removes the cgroups.
func emptyCgroups(ctx context.Context, root, name string) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		dirs, err := cgroups(root, name)
		if err != nil {
			return err
		}
		var left []int
		for _, dir := range dirs {
			pids, err := processes(dir)
			if err != nil {
				return err
			}
			left = append(left, pids...)
		}
		if len(left) == 0 {
			// A process that is ending is in no list any more, and still keeps its cgroup busy.
			if err = removeAll(dirs); !errors.Is(err, syscall.EBUSY) {
				return err
			}
		}
		for _, pid := range left {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, fmt.Errorf("killing processes %v: %w", left, ctx.Err()))
		case <-tick.C:
		}
	}
}

// cgroups lists the cgroups called name below any hierarchy, and those inside them, the innermost first.
func cgroups(root, name string) ([]string, error) {
	tops, err := filepath.Glob(filepath.Join(root, "*", name))
	if err != nil {
		return nil, err
	}
	var dirs []string
	for _, top := range append(tops, filepath.Join(root, name)) {
		err := filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err == nil && entry.IsDir() {
				dirs = append(dirs, path)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	slices.Reverse(dirs)
	return dirs, nil
}

func processes(cgroup string) ([]int, error) {
	content, err := os.ReadFile(filepath.Join(cgroup, "cgroup.procs"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var pids []int
	for _, field := range strings.Fields(string(content)) {
		pid, err := strconv.Atoi(field)
		if err != nil {
			return nil, fmt.Errorf("reading the processes of cgroup %q: %w", cgroup, err)
		}
		pids = append(pids, pid)
	}
	return pids, err
}

// removeAll removes cgroups that are empty; os.RemoveAll would try the files in them.
func removeAll(dirs []string) error {
	for _, dir := range dirs {
		if err := syscall.Rmdir(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing cgroup %q: %w", dir, err)
		}
	}
	return nil
}
