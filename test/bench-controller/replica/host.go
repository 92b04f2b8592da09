package replica

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
)

// Host is what a node is to a replica: a network namespace, since Knative's port for probes is fixed, with one cable to the
// namespace of this process.
type Host struct {
	index  int
	holder *exec.Cmd // keeps the namespace
}

// Gateway is where the host's replicas reach this process, address where this process reaches them.
func (h *Host) Gateway() string { return fmt.Sprintf("10.77.%d.1", h.index) }
func (h *Host) address() string { return fmt.Sprintf("10.77.%d.2", h.index) }

// NewHost makes a host; index tells the hosts apart. It takes root.
func NewHost(ctx context.Context, index int) (*Host, error) {
	h := &Host{index: index, holder: exec.CommandContext(ctx, "sleep", "infinity")}
	h.holder.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if err := h.holder.Start(); err != nil {
		return nil, fmt.Errorf("creating a network namespace: %w", err)
	}
	pid, outside := fmt.Sprint(h.holder.Process.Pid), fmt.Sprintf("replica%d", index)
	for _, command := range []string{
		"ip link add name " + outside + " type veth peer name eth0 netns " + pid,
		"ip address add " + h.Gateway() + "/24 dev " + outside,
		"ip link set " + outside + " up",
		h.enter() + " ip address add " + h.address() + "/24 dev eth0",
		h.enter() + " ip link set eth0 up",
		h.enter() + " ip link set lo up",
	} {
		words := strings.Fields(command)
		if output, err := exec.CommandContext(ctx, words[0], words[1:]...).CombinedOutput(); err != nil {
			h.Close()
			return nil, fmt.Errorf("running %q: %w: %s", command, err, output)
		}
	}
	return h, nil
}

// enter is the command before a command that has it run on the host.
func (h *Host) enter() string {
	return fmt.Sprintf("nsenter --net=/proc/%d/ns/net", h.holder.Process.Pid)
}

// Close removes the host. Its replicas must have ended.
func (h *Host) Close() {
	_ = h.holder.Process.Kill()
	_ = h.holder.Wait() // It was killed.
}
