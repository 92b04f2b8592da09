// Package vaulttest starts the real Vault server of test/vault for a test.
package vaulttest

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Server is a Vault in memory with KV v2 at secret/ and the Kubernetes login at auth/kubernetes/.
type Server struct {
	// Address is its URL on loopback, Token its root token.
	Address, Token string
}

// Start builds Vault, which takes minutes the first time, and serves it on a free port of 127.0.0.1 until the test ends.
func Start(t testing.TB) Server {
	t.Helper()
	module, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		t.Fatalf("finding the module: %v", err)
	}
	program, tokenFile := filepath.Join(t.TempDir(), "vault"), filepath.Join(t.TempDir(), "token")
	// As ko builds its image, so that nothing is compiled twice.
	build := exec.Command("go", "build", "-trimpath", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	build.Dir = filepath.Join(filepath.Dir(strings.TrimSpace(string(module))), "test", "vault")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building Vault in %q: %v\n%s", build.Dir, err, out)
	}
	server := exec.Command(program, "--token-file", tokenFile)
	server.Stderr = os.Stderr
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatalf("starting Vault: %v", err)
	}
	t.Cleanup(func() {
		if err := server.Process.Signal(os.Interrupt); err != nil {
			t.Errorf("stopping Vault: %v", err)
		}
		if err := server.Wait(); err != nil {
			t.Errorf("Vault ended: %v", err)
		}
	})
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("Vault did not say where it serves: %v", err)
	}
	token, err := os.ReadFile(tokenFile)
	if err != nil {
		t.Fatalf("reading Vault's root token: %v", err)
	}
	return Server{Address: strings.TrimSpace(address), Token: string(token)}
}
