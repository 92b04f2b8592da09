package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"

	"github.com/comptech-lab/quay-push/test/cluster/progress"
)

// cniPlugins is where Debian installs them.
const cniPlugins = "/usr/lib/cni"

// packages are the Debian packages that the cluster needs, each with a file by which to know it.
var packages = map[string]string{
	"containerd":                  "/usr/bin/containerd",
	"runc":                        "/usr/sbin/runc",
	"containernetworking-plugins": cniPlugins + "/bridge",
	"iptables":                    "/usr/sbin/iptables",
}

// policy is what Debian's invoke-rc.d asks whether a package may start its service; 101 means no.
const policy = "/usr/sbin/policy-rc.d"

// installPackages installs what is missing, and lets no service of it start on the host.
func installPackages(ctx context.Context, log *progress.Log) error {
	var missing []string
	for name, file := range packages {
		if _, err := os.Stat(file); err != nil {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("%s are not installed, and there is no apt-get to install them: install them by hand, or set KUBECONFIG to a cluster that is there",
			strings.Join(missing, ", "))
	}
	log.Printf("installing %s", strings.Join(missing, ", "))
	allow, err := forbidServices()
	if err != nil {
		return err
	}
	defer allow()
	install := append([]string{"install", "-y", "-q", "--no-install-recommends"}, missing...)
	if _, err := aptGet(ctx, install...); err == nil {
		return nil
	}
	// A fresh machine has no package lists, an old one outdated ones.
	if output, err := aptGet(ctx, "update", "-q"); err != nil {
		return fmt.Errorf("updating the package lists: %w\n%s", err, output)
	}
	if output, err := aptGet(ctx, install...); err != nil {
		return fmt.Errorf("installing %s: %w\n%s", strings.Join(missing, ", "), err, output)
	}
	return nil
}

// forbidServices puts the policy in place, unless the machine has its own, and returns what takes it away.
func forbidServices() (allow func(), err error) {
	file, err := os.OpenFile(policy, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if errors.Is(err, fs.ErrExist) {
		return func() {}, nil
	}
	if err != nil {
		return nil, err
	}
	_, err = file.WriteString("#!/bin/sh\nexit 101\n")
	return func() { _ = os.Remove(policy) }, errors.Join(err, file.Close())
}

func aptGet(ctx context.Context, args ...string) (output string, err error) {
	command := exec.CommandContext(ctx, "apt-get", args...)
	command.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	combined, err := command.CombinedOutput()
	return string(combined), err
}
