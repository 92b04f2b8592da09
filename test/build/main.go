// Build stands in for a build step where a test is about something else: it packs its own program from scratch, and leaves it as an OCI
// layout in a workspace.
package main

import (
	"archive/tar"
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

func main() {
	output := flag.String("output", "", "directory to leave the OCI layout in")
	message := flag.String("message", "", "a line to put into the image, so that its digest is its own")
	architecture := flag.String("architecture", "amd64", "what the image says that it is for")
	flag.Parse()
	if err := build(*output, *message, *architecture); err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
}

func build(output, message, architecture string) error {
	image, err := scratch(message, architecture)
	if err != nil {
		return fmt.Errorf("making image: %w", err)
	}
	path, err := layout.Write(output, empty.Index)
	if err != nil {
		return fmt.Errorf("writing layout %q: %w", output, err)
	}
	if err := path.AppendImage(image); err != nil {
		return err
	}
	fmt.Println("left the image in", output)
	return nil
}

// scratch returns an image with this program in it and nothing else.
func scratch(message, architecture string) (v1.Image, error) {
	program, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		return nil, err
	}
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for _, file := range []struct {
		name    string
		content []byte
	}{{"build", program}, {"message", []byte(message + "\n")}} {
		if err := w.WriteHeader(&tar.Header{Name: file.name, Mode: 0o755, Size: int64(len(file.content))}); err != nil {
			return nil, err
		}
		if _, err := w.Write(file.content); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(archive.Bytes())), nil
	})
	if err != nil {
		return nil, err
	}
	image, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: "linux", Architecture: architecture,
		Config: v1.Config{Entrypoint: []string{"/build"}}})
	if err != nil {
		return nil, err
	}
	return mutate.AppendLayers(image, layer)
}
