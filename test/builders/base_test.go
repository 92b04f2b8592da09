//go:build builders

package builders_test

import (
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
)

// based are a base image with a layer of some MiB, pushed with those arguments to the repository base, and a directory whose Containerfile
// goes on from it.
func (w *workshop) based(t *testing.T, leave string, push ...string) (dir string) {
	t.Helper()
	dir = w.context(t)
	large := make([]byte, 3<<20)
	rand.NewChaCha8([32]byte{29}).Read(large)
	write(t, filepath.Join(dir, "large"), large)
	write(t, filepath.Join(dir, "Containerfile.base"), []byte("FROM scratch\nCOPY large /large\n"))
	w.run(t, dir, "sh", "-ec", "buildah build --file Containerfile.base --tag large . && buildah push large "+leave)
	w.run(t, dir, w.pushImage, append(push, "--image-ref", "quay.example.com/team-payments/large", "--tag", "v1",
		"--dockerconfig", w.dockerconfig, "--ca-file", w.quay.CAFile())...)
	write(t, filepath.Join(dir, "Containerfile"), []byte("FROM "+w.quay.Host()+"/team-payments/large:v1\nCOPY page /page\n"))
	return dir
}

// buildah names the base, and leaves its layer as it is in the registry: that is mounted, not sent.
func TestBuildersLeaveLayersOfTheBase(t *testing.T) {
	w := newWorkshop(t)
	dir := w.based(t, "oci:base", "--source", "oci:base")
	w.run(t, dir, "sh", "-ec", "buildah rmi --all --force; buildah build --tag app . && buildah push app oci:image")
	w.quay.ForgetRequests()
	w.run(t, dir, w.pushImage, "--source", "oci:image", "--image-ref", "quay.example.com/team-payments/app", "--tag", "v1",
		"--dockerconfig", w.dockerconfig, "--ca-file", w.quay.CAFile())
	mounted := 0
	for _, r := range w.quay.Requests() {
		if r.Query.Get("from") == "team-payments/large" && r.Status == 201 {
			mounted++
		}
		if strings.Contains(r.Path, "/blobs/") && r.Bytes > 1<<20 {
			t.Errorf("%s %s sent %d bytes", r.Method, r.Path, r.Bytes)
		}
	}
	if mounted == 0 {
		t.Error("nothing was mounted")
	}
}

// buildah pulls and unpacks what --compression zstd makes of a docker-archive.
func TestBuildersPullZstd(t *testing.T) {
	w := newWorkshop(t)
	dir := w.based(t, "docker-archive:base.tar", "--source", "docker-archive:base.tar", "--compression", "zstd")
	body, _, ok := w.quay.Manifest("team-payments/large", "v1")
	if !ok || !strings.Contains(string(body), "application/vnd.oci.image.layer.v1.tar+zstd") {
		t.Fatalf("the manifest is %s", body)
	}
	w.run(t, dir, "sh", "-ec", "buildah rmi --all --force; buildah build --tag app . && c=$(buildah from app) && cmp large $(buildah mount $c)/large")
}
