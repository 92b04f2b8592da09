package server

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// program is a process whose log goes to a file.
type program struct {
	name, log string
	command   *exec.Cmd
	done      chan struct{}
	err       error // after done
}

// start starts the binary as args[0]. It ends with the context, and with this process.
func start(ctx context.Context, binary, log string, args []string) (*program, error) {
	file, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	p := &program{name: args[0], log: log, command: exec.CommandContext(ctx, binary), done: make(chan struct{})}
	p.command.Args = args
	p.command.Stdout, p.command.Stderr = file, file
	// Not the caller's environment: a proxy set in it would come between the programs.
	p.command.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	p.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("starting %q: %w", p.name, err)
	}
	go func() {
		p.err = p.command.Wait()
		close(p.done)
	}()
	return p, nil
}

// ended says why the program has, with the end of its log; nil if it has not.
func (p *program) ended() error {
	select {
	case <-p.done:
		return fmt.Errorf("%s ended: %v; the end of its log:\n%s", p.name, p.err, tail(p.log, 15))
	default:
		return nil
	}
}

// kill ends the program and waits until it has. What it stored is thrown away anyhow.
func (p *program) kill() {
	// An error means that it has ended.
	_ = p.command.Process.Kill()
	<-p.done
}

// tail is the last n lines of the file, or why it cannot be read.
func tail(path string, n int) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimRight(string(content), "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
