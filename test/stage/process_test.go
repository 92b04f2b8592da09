package stage

import (
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// An API server that somebody else runs on this machine, from the same program, is not the cluster's.
func TestAPIServer(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("processes are looked up in /proc")
	}
	dir := t.TempDir()
	t.Setenv("KUBECONFIG", filepath.Join(dir, "kubeconfig"))
	// serve starts a process that waits, under the name and with the certificates of an API server.
	serve := func(dir string) int {
		t.Helper()
		cmd := exec.Command("/bin/sh")
		cmd.Args = []string{"kube-apiserver", "-c", "read line", "--client-ca-file=" + filepath.Join(dir, "pki", "ca.crt"), "--secure-port=1"}
		stdin, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = stdin.Close()
			_ = cmd.Wait() // It ends with an error: it was told nothing.
		})
		return cmd.Process.Pid
	}
	serve(t.TempDir())
	if p, ok := APIServer(); ok {
		t.Errorf("process %d was taken for the cluster's", p.Pid)
	}
	want := serve(dir)
	if p, ok := APIServer(); !ok || p.Pid != want {
		t.Errorf("found %v, %v, want process %d", p, ok, want)
	}
}
