package stage

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// APIServer returns the process of the cluster's API server. ok is false where that is not on this machine: only test/cluster has its
// program and its certificates beside its kubeconfig. Others may run the same program with certificates of their own.
func APIServer() (p *os.Process, ok bool) {
	dir := filepath.Dir(os.Getenv("KUBECONFIG"))
	return find(func(process string) bool {
		arguments, err := os.ReadFile(filepath.Join(process, "cmdline"))
		return err == nil && bytes.HasPrefix(arguments, []byte("kube-apiserver\x00")) &&
			bytes.Contains(arguments, []byte("\x00--client-ca-file="+filepath.Join(dir, "pki", "ca.crt")+"\x00"))
	})
}

// Kill ends a replica of the controller as kill -9 does where its process is on this machine, and says so; elsewhere it deletes the Pod
// without a time for its end, which a kubelet may stretch to 2 seconds.
func (s *Stage) Kill(ctx context.Context, pod string) (how string, err error) {
	if _, here := APIServer(); here {
		p, ok := find(func(dir string) bool {
			environment, err := os.ReadFile(filepath.Join(dir, "environ"))
			return err == nil && bytes.Contains(append([]byte{0}, environment...), []byte("\x00POD_NAME="+pod+"\x00"))
		})
		if ok {
			return "kill -9", p.Kill()
		}
	}
	return "deletion", s.Kube.CoreV1().Pods("quay-push").Delete(ctx, pod, metav1.DeleteOptions{GracePeriodSeconds: new(int64)})
}

// find returns the first process whose directory in /proc is wanted. It finds none where there is no such file system.
func find(wanted func(dir string) bool) (*os.Process, bool) {
	dirs, _ := filepath.Glob("/proc/[0-9]*") // A pattern that is right.
	for _, dir := range dirs {
		if !wanted(dir) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		if p, err := os.FindProcess(pid); err == nil {
			return p, true
		}
	}
	return nil, false
}
