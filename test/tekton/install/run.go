package install

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"strings"
)

// Run runs a program in a directory, "" for that of this process, and returns its standard output. The error has its standard error.
func Run(ctx context.Context, dir string, stdin io.Reader, name string, args ...string) ([]byte, error) {
	var stderr strings.Builder
	command := exec.CommandContext(ctx, name, args...)
	command.Dir, command.Stdin, command.Stderr = dir, stdin, &stderr
	output, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("running %s %s: %w\n%s", name, args[0], err, stderr.String())
	}
	return output, nil
}
