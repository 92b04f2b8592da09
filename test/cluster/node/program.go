package node

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/comptech-lab/quay-push/test/cluster/netns"
	"github.com/comptech-lab/quay-push/test/cluster/progress"
)

// program is one of the node's processes.
type program struct {
	name string // also argv[0], by which the binary of many programs knows what it is
	path string
	args []string
}

// tail is how many lines of a program's log a person gets to see when it fails.
const tail = 15

// supervise runs the program in the network namespace and starts it again, a second after it ended, until the context
// ends. Its first end goes to failed as well, if anyone is listening.
func (n Node) supervise(ctx context.Context, log *progress.Log, space *netns.Namespace, p program, failed chan<- error) {
	for ctx.Err() == nil {
		err := n.run(ctx, space, p)
		log.Printf("%v", err)
		select {
		case failed <- err:
		default:
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

// run runs the program once and returns why it ended, with the end of its log.
func (n Node) run(ctx context.Context, space *netns.Namespace, p program) error {
	path := n.path("logs", p.name+".log")
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer file.Close()
	command := exec.CommandContext(ctx, p.path, p.args...)
	command.Args[0] = p.name
	command.Stdout, command.Stderr = file, file
	// Not the caller's environment: a proxy set in it would come between the programs.
	command.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + n.Dir}
	if err := space.Start(command); err != nil {
		return fmt.Errorf("starting %q: %w", p.name, err)
	}
	err = command.Wait()
	return fmt.Errorf("%s ended: %w; the end of %s:\n%s", p.name, orExit(err), path, lastLines(path, tail))
}

func orExit(err error) error {
	if err == nil {
		return fmt.Errorf("exit status 0")
	}
	return err
}

// lastLines returns the last n lines of the file, or why it cannot.
func lastLines(path string, n int) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimRight(string(content), "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
