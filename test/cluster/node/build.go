package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"time"

	"github.com/comptech-lab/quay-push/test/cluster/progress"
)

// version is stamped into the binaries: without it they say v0.0.0, which Knative refuses.
const version = "-X k8s.io/component-base/version.gitVersion=v1.36.3" +
	" -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36"

// build compiles the node's programs into Dir/bin, from the module in the current directory. The first time takes ten
// minutes on two cores; log then hears every five seconds how far it is.
func (n Node) build(ctx context.Context, log *progress.Log) error {
	for _, program := range []string{"pause", "kube"} {
		if err := log.Step("building "+program, func() error { return n.buildOne(ctx, log, program) }); err != nil {
			return err
		}
	}
	err := os.Symlink("kube", n.path("bin", "kubectl"))
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

func (n Node) buildOne(ctx context.Context, log *progress.Log, program string) error {
	command := exec.CommandContext(ctx, "go", "build", "-v", "-ldflags", "-s -w "+version, "-o", n.path("bin", program), "./"+program)
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	var output progress.Counter
	command.Stdout, command.Stderr = &output, &output
	beating, stop := context.WithCancel(ctx)
	defer stop()
	go log.Beat(beating, "building "+program, 5*time.Second, &output)
	if err := command.Run(); err != nil {
		return fmt.Errorf("building %q: %w\n%s", program, err, output.Tail(20))
	}
	return nil
}
