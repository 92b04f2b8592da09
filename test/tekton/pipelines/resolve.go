package pipelines

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// tini is the init that the resolvers' command starts with. It is there for the children of git, in a base image that
// cannot be had from here.
var tini = regexp.MustCompile(`(?m)^ *- /sbin/tini\n *- --\n`)

// resolve has ko build the programs that Tekton's manifests name, and returns the manifests with the images in their place.
func resolve(ctx context.Context, tell func(string, ...any)) ([]byte, error) {
	dir, err := run(ctx, nil, "go", "list", "-m", "-f", "{{.Dir}}", module)
	if err != nil {
		return nil, err
	}
	config := filepath.Join(strings.TrimSpace(string(dir)), "config")
	beating, stop := context.WithCancel(ctx)
	defer stop()
	go beat(beating, tell)
	manifests, err := run(ctx, nil, "ko", "resolve", "--recursive", "--sbom=none", "--filename="+config)
	return tini.ReplaceAll(manifests, nil), err
}

// beat says every ten seconds that something is going on: the first build takes minutes.
func beat(ctx context.Context, tell func(string, ...any)) {
	tick := time.NewTicker(10 * time.Second)
	defer tick.Stop()
	for {
		tell("building Tekton's images")
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// run runs a program and returns its standard output; its standard error is in the error.
func run(ctx context.Context, stdin io.Reader, name string, args ...string) ([]byte, error) {
	var stderr strings.Builder
	command := exec.CommandContext(ctx, name, args...)
	command.Stdin, command.Stderr = stdin, &stderr
	output, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("running %s %s: %w\n%s", name, args[0], err, stderr.String())
	}
	return output, nil
}
