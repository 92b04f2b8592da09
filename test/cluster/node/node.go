// Package node runs a one-node Kubernetes in a network namespace, a mount namespace and a cgroup of its own, with an
// image registry beside it, and takes it away again without a trace.
package node

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Name is the node's name in the cluster.
const Name = "node"

// Addresses inside the network namespace.
const (
	address  = "10.244.0.1" // the node's, on the bridge that the pods are on
	podCIDR  = "10.244.0.0/24"
	services = "10.96.0.0/16"
)

// Node is a cluster: what is on disk and on the host's loopback for it.
type Node struct {
	// Dir holds everything. What is in Dir/bin outlives the cluster.
	Dir string
	// APIPort and RegistryPort are TCP ports of 127.0.0.1 on the host; the registry has the same port inside.
	APIPort      int
	RegistryPort int
	// AdmissionPlugins are the API server's besides those of its own, parted by commas.
	AdmissionPlugins string
}

// DefaultDir returns quay-push/cluster in the user's cache directory.
func DefaultDir() (string, error) {
	cache, err := os.UserCacheDir()
	return filepath.Join(cache, "quay-push", "cluster"), err
}

// Kubeconfig returns the path of the file that makes its reader the cluster's administrator.
func (n Node) Kubeconfig() string {
	return n.path("kubeconfig")
}

// Bin returns the directory that kubectl is in.
func (n Node) Bin() string {
	return n.path("bin")
}

// Registry returns the registry as both a pusher on the host and a pod's image name it.
func (n Node) Registry() string {
	return fmt.Sprintf("localhost:%d", n.RegistryPort)
}

func (n Node) path(elem ...string) string {
	return filepath.Join(append([]string{n.Dir}, elem...)...)
}

// cgroup returns the name of the cgroup that all the cluster's processes are in, below every hierarchy's root.
func (n Node) cgroup() string {
	return fmt.Sprintf("quay-push-%x", sha256.Sum256([]byte(n.Dir)))[:18]
}

// requireRoot explains itself before the first thing fails for want of it.
func requireRoot() error {
	if os.Geteuid() != 0 {
		return errors.New("starting containers takes root: run this as root, or set KUBECONFIG to a cluster that is there")
	}
	return nil
}
