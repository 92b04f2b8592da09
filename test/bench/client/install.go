package client

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Install gets what is missing: crane and regctl are built into bin, skopeo, podman and nginx come from Debian. It tells w.
func Install(ctx context.Context, bin string, w io.Writer) error {
	for _, program := range []struct{ name, module string }{
		{"crane", "github.com/google/go-containerregistry/cmd/crane@" + craneVersion},
		{"regctl", "github.com/regclient/regclient/cmd/regctl@" + regctlVersion},
	} {
		if built(ctx, filepath.Join(bin, program.name), program.module) {
			continue
		}
		fmt.Fprintln(w, "building", program.module)
		if err := run(ctx, w, []string{"GOBIN=" + bin, "GOFLAGS="}, "go", "install", program.module); err != nil {
			return err
		}
	}
	var missing []string
	for _, name := range []string{"nginx", "skopeo", "podman"} {
		if _, err := exec.LookPath(name); err != nil {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	fmt.Fprintln(w, "installing", strings.Join(missing, ", "))
	// RUNLEVEL keeps the package from starting a server: the benchmark starts its own.
	env := []string{"DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1"}
	if err := run(ctx, w, env, "apt-get", "update", "-q"); err != nil {
		return err
	}
	return run(ctx, w, env, "apt-get", append([]string{"install", "-qy", "--no-install-recommends"}, missing...)...)
}

// built reports whether the program at path was built from module@version.
func built(ctx context.Context, path, module string) bool {
	output, err := exec.CommandContext(ctx, "go", "version", "-m", path).Output()
	_, version, _ := strings.Cut(module, "@")
	return err == nil && strings.Contains(string(output), "\t"+version+"\t")
}

// run runs a command with additional variables; what it says matters only if it fails.
func run(ctx context.Context, w io.Writer, env []string, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), env...)
	if output, err := cmd.CombinedOutput(); err != nil {
		w.Write(output)
		return fmt.Errorf("running %s: %w", name, err)
	}
	return nil
}

// debianVersion is that of an installed package; empty if dpkg does not know it.
func debianVersion(ctx context.Context, name string) string {
	output, err := exec.CommandContext(ctx, "dpkg-query", "-W", "-f", "${Version}", name).Output()
	if err != nil {
		return ""
	}
	return string(output)
}

// Build builds push-image from the repository at root and returns its path in bin.
func Build(ctx context.Context, root, bin string, w io.Writer) (string, error) {
	path := filepath.Join(bin, "push-image")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, "./cmd/push-image")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := cmd.CombinedOutput(); err != nil {
		w.Write(output)
		return "", fmt.Errorf("building push-image: %w", err)
	}
	return path, nil
}
