package image

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// nonroot is the user that every image here runs as, as in the distroless images.
const nonroot = 65532

// bundle is where Debian keeps the certificate authorities that it trusts, and where Go programs look for them.
const bundle = "/etc/ssl/certs/ca-certificates.crt"

// Static returns the base image of static programs: users, name service, a temporary directory, and the certificate
// authorities that this machine trusts, if it has any.
func Static() (v1.Image, error) {
	files := []file{
		{name: "tmp/", mode: 0o1777},
		{name: "home/nonroot/", mode: 0o700, owner: nonroot},
		{name: "etc/passwd", mode: 0o644, content: fmt.Appendf(nil,
			"root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:%[1]d:%[1]d:nonroot:/home/nonroot:/sbin/nologin\n", nonroot)},
		{name: "etc/group", mode: 0o644, content: fmt.Appendf(nil, "root:x:0:\nnonroot:x:%d:\n", nonroot)},
		{name: "etc/nsswitch.conf", mode: 0o644, content: []byte("hosts: files dns\n")},
	}
	if authorities, err := os.ReadFile(bundle); err == nil {
		files = append(files, file{name: bundle[1:], mode: 0o644, content: authorities})
	}
	return build(files, v1.Config{Env: []string{"PATH=/usr/bin:/bin", "SSL_CERT_FILE=" + bundle}, WorkingDir: "/"})
}

// Program returns an image of nothing but the static program in the file at path.
func Program(path string) (v1.Image, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return build([]file{{name: "program", mode: 0o755, content: content}}, v1.Config{Entrypoint: []string{"/program"}})
}

// Push pushes the image to repository:tag, host included.
func Push(ctx context.Context, reference string, image v1.Image) error {
	parsed, err := name.ParseReference(reference)
	if err != nil {
		return err
	}
	return remote.Write(parsed, image, remote.WithContext(ctx))
}

// file is an entry of a layer; a directory if its name ends in a slash.
type file struct {
	name    string
	mode    int64
	owner   int
	content []byte
}

func build(files []file, config v1.Config) (v1.Image, error) {
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	for _, f := range files {
		header := &tar.Header{Name: f.name, Mode: f.mode, Uid: f.owner, Gid: f.owner, Size: int64(len(f.content)), Format: tar.FormatPAX}
		if err := w.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.content); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	opener := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(layer.Bytes())), nil }
	built, err := tarball.LayerFromOpener(opener)
	if err != nil {
		return nil, err
	}
	config.User = fmt.Sprintf("%[1]d:%[1]d", nonroot)
	// Without the platform containerd finds no image for it.
	base, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{
		OS: "linux", Architecture: runtime.GOARCH, Config: config, RootFS: v1.RootFS{Type: "layers"}})
	if err != nil {
		return nil, err
	}
	return mutate.AppendLayers(base, built)
}
