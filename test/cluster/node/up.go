package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/comptech-lab/quay-push/test/cluster/progress"
)

// cgroupRoot is where the kernel's cgroup hierarchies are mounted.
const cgroupRoot = "/sys/fs/cgroup"

// Up makes sure that the cluster runs, and tells w what it does for that. One that runs is left as it is; the remains of
// one that does not are removed first. It installs and builds what is missing.
func (n Node) Up(ctx context.Context, w io.Writer) error {
	if err := requireRoot(); err != nil {
		return err
	}
	held, err := turn(n.Dir)
	if err != nil {
		return err
	}
	defer held.Close()
	if n.Check(ctx) == nil {
		return nil
	}
	log := progress.New(w)
	if err := installPackages(ctx, log); err != nil {
		return err
	}
	if err := os.MkdirAll(n.Bin(), 0o755); err != nil {
		return err
	}
	if err := n.build(ctx, log); err != nil {
		return err
	}
	if err := n.clear(ctx); err != nil {
		return err
	}
	return n.launch(ctx, w)
}

// launch starts the daemon in a session of its own and copies its log to w until the cluster can be used.
func (n Node) launch(ctx context.Context, w io.Writer) error {
	path := n.path("serve.log")
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	executable, err := os.Executable()
	if err != nil {
		return err
	}
	daemon := exec.Command(executable, "serve", "--dir="+n.Dir,
		fmt.Sprintf("--api-port=%d", n.APIPort), fmt.Sprintf("--registry-port=%d", n.RegistryPort), "--admission-plugins="+n.AdmissionPlugins)
	daemon.Stdout, daemon.Stderr = file, file
	// Mounts of the cluster are seen by nobody else, and end with its last process.
	daemon.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Unshareflags: syscall.CLONE_NEWNS}
	if err := daemon.Start(); err != nil {
		return fmt.Errorf("starting the daemon: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- daemon.Wait() }()
	if err := n.follow(ctx, w, path, ended); err != nil {
		return errors.Join(err, n.stop())
	}
	return nil
}

// follow copies the daemon's log to w until Dir/ready is there. It fails if the daemon ends before that.
func (n Node) follow(ctx context.Context, w io.Writer, path string, ended <-chan error) error {
	log, err := os.Open(path)
	if err != nil {
		return err
	}
	defer log.Close()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		_, ready := os.Stat(n.path("ready"))
		if _, err := io.Copy(w, log); err != nil {
			return err
		}
		if ready == nil {
			return nil
		}
		select {
		case err := <-ended:
			_, _ = io.Copy(w, log)
			return fmt.Errorf("starting the cluster: the daemon ended: %w", orExit(err))
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
