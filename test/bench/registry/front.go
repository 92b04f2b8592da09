package registry

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"text/template"
	"time"
)

//go:embed nginx.conf
var nginxConf string

// front is nginx.
type front struct{ cmd *exec.Cmd }

// startFront runs nginx on the address listen, with everything that it reads and writes in dir.
func startFront(ctx context.Context, dir, listen string) (*front, error) {
	conf, err := os.Create(filepath.Join(dir, "nginx.conf"))
	if err != nil {
		return nil, err
	}
	err = template.Must(template.New("nginx.conf").Parse(nginxConf)).Execute(conf, map[string]string{"Dir": dir, "Listen": listen})
	if err := errors.Join(err, conf.Close()); err != nil {
		return nil, err
	}
	f := &front{exec.CommandContext(ctx, "nginx", "-e", filepath.Join(dir, "error.log"), "-p", dir, "-c", conf.Name())}
	f.cmd.Stderr = os.Stderr
	// SIGKILL would leave its workers behind.
	f.cmd.Cancel = f.terminate
	// It ends with this process.
	f.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := f.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting nginx: %w", err)
	}
	if err := waitFor(ctx, listen); err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, nil
}

// waitFor waits until something listens on addr.
func waitFor(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("waiting for nginx: %w", err)
		}
	}
}

func (f *front) terminate() error { return f.cmd.Process.Signal(syscall.SIGTERM) }

func (f *front) close() error {
	if err := f.terminate(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	if err := f.cmd.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("stopping nginx: %w", err)
	}
	return nil
}
