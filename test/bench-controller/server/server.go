// Package server runs an API server on an empty etcd, both on loopback, with Tekton's CRDs and the project's own manifests:
// a cluster without nodes, in which everything that a controller sees is real and no Pod ever runs.
package server

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// Where the programs listen. The API server does so on every address: that of each replica's cable is one, and none leads out
// of this network namespace.
const (
	etcdURL = "http://127.0.0.1:2379"
	port    = "6443"
)

// serverName is one of the names in the certificate that the API server makes for itself.
const serverName = "kubernetes"

// ready is how long the API server may take to answer, on a machine that is busy with other things.
const ready = 2 * time.Minute

// Server is a running API server and its etcd.
type Server struct {
	dir      string
	tokens   map[string]string // by user
	programs []*program
}

// Start starts both in dir, which it fills. kube is the cluster's binary of many programs.
func Start(ctx context.Context, kube, dir string) (*Server, error) {
	s := &Server{dir: dir, tokens: map[string]string{}}
	if err := errors.Join(s.writeTokens(), s.writeKey(), os.WriteFile(s.path("audit.yaml"), []byte(auditPolicy), 0o600)); err != nil {
		return nil, err
	}
	for _, args := range [][]string{
		{"etcd", "--data-dir=" + s.path("etcd"), "--unsafe-no-fsync", "--log-level=warn",
			"--listen-client-urls=" + etcdURL, "--advertise-client-urls=" + etcdURL, "--quota-backend-bytes=8589934592",
			"--listen-peer-urls=http://127.0.0.1:2380", "--initial-advertise-peer-urls=http://127.0.0.1:2380",
			"--initial-cluster=default=http://127.0.0.1:2380"},
		{"kube-apiserver", "--etcd-servers=" + etcdURL, "--advertise-address=127.0.0.1", "--secure-port=" + port,
			"--cert-dir=" + s.path("pki"), "--service-cluster-ip-range=10.96.0.0/16", "--endpoint-reconciler-type=none",
			"--token-auth-file=" + s.path("tokens.csv"), "--authorization-mode=RBAC",
			"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file=" + s.path("tokens.key"),
			"--service-account-signing-key-file=" + s.path("tokens.key"),
			"--audit-policy-file=" + s.path("audit.yaml"), "--audit-log-path=" + s.path("audit.log"), "--audit-log-maxsize=1000"},
	} {
		p, err := start(ctx, kube, s.path(args[0]+".log"), args)
		if err != nil {
			s.Close()
			return nil, err
		}
		s.programs = append(s.programs, p)
	}
	if err := s.wait(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Close ends both.
func (s *Server) Close() {
	for i := len(s.programs) - 1; i >= 0; i-- {
		s.programs[i].kill()
	}
}

// wait waits until the API server can be used, or one of the programs has ended.
func (s *Server) wait(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, ready)
	defer stop()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		last := s.ready(ctx)
		if last == nil {
			return nil
		}
		for _, p := range s.programs {
			if err := p.ended(); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting %s for the API server: %w", ready, last)
		case <-tick.C:
		}
	}
}

func (s *Server) ready(ctx context.Context) error {
	// The API server signs its certificate at its first start.
	if _, err := os.Stat(s.certificate()); err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(s.Config(Administrator))
	if err != nil {
		return err
	}
	return client.Discovery().RESTClient().Get().AbsPath("/readyz").Timeout(5 * time.Second).Do(ctx).Error()
}

// Config is how user talks to the API server, without a limit of its own.
func (s *Server) Config(user string) *rest.Config {
	return &rest.Config{
		Host: "https://127.0.0.1:" + port, BearerToken: s.tokens[user], UserAgent: "bench-controller", QPS: -1,
		TLSClientConfig: rest.TLSClientConfig{CAFile: s.certificate(), ServerName: serverName},
	}
}

func (s *Server) certificate() string { return s.path("pki", "apiserver.crt") }

func (s *Server) path(elem ...string) string {
	return filepath.Join(append([]string{s.dir}, elem...)...)
}

// writeKey writes the key that the API server wants for ServiceAccount tokens; here are none.
func (s *Server) writeKey() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	return os.WriteFile(s.path("tokens.key"), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), 0o600)
}
