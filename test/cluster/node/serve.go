package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/comptech-lab/quay-push/test/cluster/image"
	"github.com/comptech-lab/quay-push/test/cluster/netns"
	"github.com/comptech-lab/quay-push/test/cluster/progress"
	"github.com/comptech-lab/quay-push/test/cluster/volume"
)

// Serve is the daemon: it owns the namespace and everything in it, and runs until the context ends. What it writes to
// standard error is what Up shows; the file Dir/ready says that the cluster can be used.
func (n Node) Serve(ctx context.Context) error {
	held, err := lock(n.path("serve.lock"))
	if err != nil {
		return fmt.Errorf("starting the daemon: %w", err)
	}
	defer held.Close()
	log := progress.New(os.Stderr)
	if err := joinCgroup(cgroupRoot, n.cgroup()); err != nil {
		return err
	}
	if err := errors.Join(n.coverHost(), n.writeCredentials(), n.writeSettings(), n.nameServices()); err != nil {
		return err
	}
	space, err := netns.New()
	if err != nil {
		return err
	}
	if err := space.Do(connect); err != nil {
		return err
	}
	failed := make(chan error, 16)
	if err := n.listen(ctx, space, failed); err != nil {
		return err
	}
	log.Printf("network, registry %s", n.Registry())
	if err := n.start(ctx, log, space, failed); err != nil {
		return err
	}
	if err := os.WriteFile(n.path("ready"), nil, 0o644); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// listen opens the two ports of the host, and the registry's port inside, and fills the registry.
func (n Node) listen(ctx context.Context, space *netns.Namespace, failed chan<- error) error {
	api, err := listenHost(n.APIPort, "--api-port")
	if err != nil {
		return err
	}
	outside, err := listenHost(n.RegistryPort, "--registry-port")
	if err != nil {
		return err
	}
	inside, err := space.Listen(fmt.Sprintf(":%d", n.RegistryPort))
	if err != nil {
		return err
	}
	blobs := n.path("registry")
	if err := os.MkdirAll(blobs, 0o755); err != nil {
		return err
	}
	registry := image.NewRegistry(blobs)
	go func() { failed <- space.Relay(ctx, api, "127.0.0.1:6443") }()
	go func() { failed <- registry.Serve(outside) }()
	go func() { failed <- registry.Serve(inside) }()
	pause, err := image.Program(n.path("bin", "pause"))
	if err != nil {
		return err
	}
	static, err := image.Static()
	if err != nil {
		return err
	}
	return errors.Join(
		image.Push(ctx, n.Registry()+"/pause:latest", pause), image.Push(ctx, n.Registry()+"/static:latest", static))
}

func listenHost(port int, flag string) (net.Listener, error) {
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return nil, fmt.Errorf("%w: stop what uses it, or choose another port with %s", err, flag)
	}
	return listener, nil
}

// start starts the programs in their order and returns when the cluster can be used, or with the first failure.
func (n Node) start(ctx context.Context, log *progress.Log, space *netns.Namespace, failed chan error) error {
	if err := os.MkdirAll(n.path("logs"), 0o755); err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags("", n.Kubeconfig())
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	for _, p := range n.store() {
		go n.supervise(ctx, log, space, p, failed)
	}
	if err := log.Step("API server ready", func() error { return until(ctx, failed, serverReady(client)) }); err != nil {
		return err
	}
	for _, p := range n.controllers() {
		go n.supervise(ctx, log, space, p, failed)
	}
	provisioner := &volume.Provisioner{Client: client, Dir: n.path("volumes")}
	if err := provisioner.CreateClass(ctx); err != nil {
		return err
	}
	go func() { failed <- provisioner.Run(ctx, func(err error) { log.Printf("%v", err) }) }()
	if err := n.serveNames(ctx, client, space, failed); err != nil {
		return err
	}
	return log.Step("node ready", func() error { return until(ctx, failed, nodeReady(client)) })
}
