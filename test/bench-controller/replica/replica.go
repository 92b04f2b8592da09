// Package replica runs a controller as a process, with the environment that its Deployment gives it, and tells what it uses.
package replica

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// patience is how long a replica may take to read its caches, on a machine that is busy with other things.
const patience = 3 * time.Minute

// Program is a controller that replicas are made of.
type Program struct {
	// Path is the binary's. Dir is where the replicas' logs go.
	Path, Dir string
	// Kubeconfig returns a file that makes the program a user of the API server at an address.
	Kubeconfig func(address string) (string, error)
	// Env is the Deployment's, see Shipped.
	Env map[string]string
}

// Replica is one running process of a Program.
type Replica struct {
	host    *Host
	log     string
	command *exec.Cmd
	done    chan struct{}
}

// Start starts the program on host and waits until it is ready.
func Start(ctx context.Context, p Program, host *Host) (*Replica, error) {
	kubeconfig, err := p.Kubeconfig(host.Gateway())
	if err != nil {
		return nil, err
	}
	r := &Replica{host: host, done: make(chan struct{}), log: filepath.Join(p.Dir, fmt.Sprintf("%s-%d.log", filepath.Base(p.Path), host.index))}
	file, err := os.OpenFile(r.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	// nsenter becomes the program: the process is the same.
	words := strings.Fields(host.enter() + " " + p.Path)
	r.command = exec.CommandContext(ctx, words[0], words[1:]...)
	r.command.Stdout, r.command.Stderr = file, file
	r.command.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "KUBECONFIG=" + kubeconfig, fmt.Sprintf("POD_NAME=replica-%d", host.index)}
	for name, value := range p.Env {
		r.command.Env = append(r.command.Env, name+"="+value)
	}
	r.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := r.command.Start(); err != nil {
		return nil, fmt.Errorf("starting %q: %w", p.Path, err)
	}
	go func() {
		_ = r.command.Wait() // Its log says how it ended.
		close(r.done)
	}()
	if err := r.ready(ctx); err != nil {
		r.Kill()
		return nil, err
	}
	return r, nil
}

// ready waits until the replica says that it is.
func (r *Replica) ready(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		_, err := r.get(ctx, 8080, "/readiness")
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting %s for a replica: %w; the end of its log:\n%s", patience, err, r.tail())
		case <-r.done:
			return fmt.Errorf("the replica has ended; the end of its log:\n%s", r.tail())
		case <-tick.C:
		}
	}
}

// Kill ends the replica at once, as its node's crash would, and waits until it is gone.
func (r *Replica) Kill() {
	r.signal(syscall.SIGKILL)
	<-r.done
}

// Pause freezes the replica where it is; Resume lets it go on as if no time had passed.
func (r *Replica) Pause() { r.signal(syscall.SIGSTOP) }

// Resume undoes Pause.
func (r *Replica) Resume() { r.signal(syscall.SIGCONT) }

// Stop ends the replica as a rollout would, and waits until it is gone.
func (r *Replica) Stop() {
	r.signal(syscall.SIGTERM)
	select {
	case <-r.done:
	case <-time.After(40 * time.Second):
		r.Kill()
	}
}

// signal does nothing to a process that has ended.
func (r *Replica) signal(s syscall.Signal) { _ = r.command.Process.Signal(s) }

// Alive reports whether the process is there.
func (r *Replica) Alive() bool {
	select {
	case <-r.done:
		return false
	default:
		return true
	}
}

func (r *Replica) tail() string {
	content, err := os.ReadFile(r.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimRight(string(content), "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-10):], "\n")
}

// get asks the replica on one of its ports.
func (r *Replica) get(ctx context.Context, port int, path string) ([]byte, error) {
	ctx, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://%s:%d%s", r.host.address(), port, path), nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, errors.New(path + " answers " + response.Status)
	}
	return io.ReadAll(response.Body)
}

// Host is the index of the host that the replica runs on.
func (r *Replica) Host() int { return r.host.index }
