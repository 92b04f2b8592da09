package client

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var target = Target{Ref: "127.0.0.1:1/bench/x:v1", CADir: "/ca", AuthDir: "/auth"}

// shell is a client that runs a script with the reference as its first argument.
func shell(script string) *Client {
	return &Client{Name: "shell", args: func(_ Source, t Target) []string { return []string{"sh", "-c", script, "shell", t.Ref} }}
}

// Every client names the source and the target, and the source as the program wants it.
func TestCommands(t *testing.T) {
	ctx := context.Background()
	for _, test := range []struct {
		client          *Client
		layout, archive string
	}{
		{PushImage("/bin/push-image"), "oci:/d/image", "docker-archive:/d/image"},
		{PushImageZstd("/bin/push-image"), "oci:/d/image", "docker-archive:/d/image"},
		{Crane("/bin"), "/d/image", "/d/image"},
		{Regctl("/bin"), "ocidir:///d/image:v1", "/d/image"},
		{Skopeo(ctx), "oci:/d/image:v1", "docker-archive:/d/image"},
		{Podman(ctx, "/storage"), "localhost/image:v1", "localhost/image:v1"},
	} {
		for kind, want := range map[string]string{Layout: test.layout, Archive: test.archive} {
			cmd := test.client.Command(ctx, Source{kind, "/d/image"}, target)
			if !slices.Contains(cmd.Args, want) {
				t.Errorf("%s has no %q: %q", test.client.Name, want, cmd.Args)
			}
			if !slices.ContainsFunc(cmd.Args, func(s string) bool { return strings.HasSuffix(s, target.Ref) }) {
				t.Errorf("%s does not push to %s: %q", test.client.Name, target.Ref, cmd.Args)
			}
		}
	}
}

// A client sees the target's configuration and none of this machine's.
func TestEnvironment(t *testing.T) {
	t.Setenv("REGISTRY_AUTH_FILE", "/of/someone/else")
	cmd := shell("env").Command(t.Context(), Source{}, target)
	output, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"HOME=/auth\n", "DOCKER_CONFIG=/auth\n", "SSL_CERT_FILE=/ca/ca.crt\n"} {
		if !strings.Contains(string(output), want) {
			t.Errorf("the environment lacks %q:\n%s", want, output)
		}
	}
	if strings.Contains(string(output), "REGISTRY_AUTH_FILE") {
		t.Errorf("the environment has more:\n%s", output)
	}
}

// A push is measured from outside: its time and what it used of the processors.
func TestPush(t *testing.T) {
	cost, err := shell("i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done").Push(t.Context(), Source{}, target)
	if err != nil {
		t.Fatal(err)
	}
	if cost.CPU <= 0 || cost.Wall < cost.CPU/2 {
		t.Errorf("cost is %+v", cost)
	}
}

// What a failed client said is in the error, at most its end.
func TestPushThatFails(t *testing.T) {
	_, err := shell(`i=0; while [ $i -lt 3000 ]; do echo noise $i; i=$((i+1)); done; echo "no such thing: $1" >&2; exit 3`).Push(t.Context(), Source{}, target)
	if err == nil || !strings.Contains(err.Error(), "no such thing: "+target.Ref) || len(err.Error()) > 3000 {
		t.Errorf("the error is %.300v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := shell("exec sleep 60").Push(ctx, Source{}, target); err == nil || time.Since(began) > 30*time.Second {
		t.Errorf("a push that hangs ends after %v with %v", time.Since(began), err)
	}
}

// A program counts as built only in the version that is measured.
func TestBuilt(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for path, module := range map[string]string{self: "example.com/other@v1.2.3", filepath.Join(t.TempDir(), "none"): "example.com/other@v1.2.3"} {
		if built(t.Context(), path, module) {
			t.Errorf("%s counts as %s", path, module)
		}
	}
}
