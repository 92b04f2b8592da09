package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	tekton "github.com/tektoncd/pipeline/pkg/client/clientset/versioned"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/comptech-lab/quay-push/test/bench-controller/observer"
	"github.com/comptech-lab/quay-push/test/bench-controller/replica"
	"github.com/comptech-lab/quay-push/test/bench-controller/server"
	"github.com/comptech-lab/quay-push/test/bench-controller/simulator"
)

// tenantsPerStage is how many teams share the cluster, hosts how many replicas can run.
const (
	tenantsPerStage = 20
	hosts           = 2
)

// stage is a cluster for one case: API server, tenants, a Tekton, and somebody who watches.
type stage struct {
	*bench
	// ctx ends with the case, or with the first thing that the simulator could not do.
	ctx      context.Context
	stop     context.CancelCauseFunc
	dir      string
	server   *server.Server
	kube     kubernetes.Interface
	tekton   *simulator.Tekton
	observer *observer.Observer
	tenants  []simulator.Tenant
	hosts    []*replica.Host
	replicas []*replica.Replica
	uses     int // of the cluster, by now: each has names of its own
}

// stage starts one in dir.
func (b *bench) stage(ctx context.Context, dir string) (s *stage, err error) {
	s = &stage{bench: b, dir: dir, observer: observer.New()}
	s.ctx, s.stop = context.WithCancelCause(ctx)
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if err := os.Mkdir(dir, 0o700); err != nil {
		return s, err
	}
	if s.server, err = server.Start(ctx, b.kube, dir); err != nil {
		return s, err
	}
	if err := s.server.Install(ctx, b.kube, b.root); err != nil {
		return s, err
	}
	for i := range hosts {
		host, err := replica.NewHost(ctx, i)
		if err != nil {
			return s, err
		}
		s.hosts = append(s.hosts, host)
	}
	return s, s.populate()
}

// populate makes the tenants, and lets Tekton and the observer begin.
func (s *stage) populate() (err error) {
	if s.kube, err = kubernetes.NewForConfig(s.server.Config(server.Administrator)); err != nil {
		return err
	}
	client, err := tekton.NewForConfig(s.server.Config(server.Tekton))
	if err != nil {
		return err
	}
	if s.tekton, err = simulator.New(client, s.root); err != nil {
		return err
	}
	if s.tenants, err = simulator.Tenants(s.ctx, s.kube, tenantsPerStage); err != nil {
		return err
	}
	// The heap is asked for where memory is measured.
	if err := s.configure("config-observability", `{"data":{"runtime-profiling":"enabled"}}`); err != nil {
		return err
	}
	if err := s.observer.Watch(s.ctx, client, simulator.LabelWatched); err != nil {
		return err
	}
	return s.tekton.Start(s.ctx, s.stop)
}

// configure changes one of the controller's ConfigMaps.
func (s *stage) configure(name, patch string) error {
	_, err := s.kube.CoreV1().ConfigMaps("quay-push").Patch(s.ctx, name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	return err
}

// close ends everything that the stage has started.
func (s *stage) close() error {
	s.stop(nil)
	for _, r := range s.replicas {
		r.Kill()
	}
	for _, host := range s.hosts {
		host.Close()
	}
	if s.server != nil {
		s.server.Close()
	}
	return os.RemoveAll(s.dir)
}

// start starts a replica of the subject with qps requests per second, on one of the hosts, and what else the shipped
// Deployment gives it.
func (s *stage) start(who subject, qps, host int) (*replica.Replica, error) {
	env, err := replica.Shipped(s.root)
	if err != nil {
		return nil, err
	}
	// Twice, as the shipped ones.
	env["KUBE_API_QPS"], env["KUBE_API_BURST"] = strconv.Itoa(qps), strconv.Itoa(2*qps)
	r, err := replica.Start(s.ctx, replica.Program{
		Path: filepath.Join(s.bin, who.program), Dir: s.dir, Env: env,
		Kubeconfig: func(address string) (string, error) { return s.server.WriteKubeconfig(server.Controller, address) },
	}, s.hosts[host])
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", who.name, err)
	}
	s.replicas = append(s.replicas, r)
	return r, nil
}
