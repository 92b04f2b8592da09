package image

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"sigs.k8s.io/yaml"
)

// Config is what ko.yaml says of the images.
type Config struct {
	// Base is the image below all of them, and Platforms are those that they are built for, each os/arch.
	Base      string   `json:"defaultBaseImage"`
	Platforms []string `json:"defaultPlatforms"`
	// Builds are the images.
	Builds []struct {
		// Main is the directory of the program, ./cmd/<name>.
		Main string `json:"main"`
	} `json:"builds"`
}

// ReadConfig reads the ko.yaml in dir.
func ReadConfig(dir string) (Config, error) {
	var c Config
	data, err := os.ReadFile(filepath.Join(dir, "ko.yaml"))
	if err == nil {
		err = yaml.Unmarshal(data, &c)
	}
	if err == nil && len(c.Builds) == 0 {
		err = fmt.Errorf("there are no builds")
	}
	if err != nil {
		return Config{}, fmt.Errorf("reading ko.yaml: %w", err)
	}
	return c, nil
}

// Pin returns reference by the digest that the registry has for it now, <repository>@sha256:<hex>. The error is the registry's.
func Pin(ctx context.Context, reference string) (string, error) {
	ref, err := name.ParseReference(reference)
	if err != nil {
		return "", fmt.Errorf("reading the base image %q: %w", reference, err)
	}
	found, err := remote.Get(ref, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain))
	if err != nil {
		return "", fmt.Errorf("asking for the base image %q: %w", reference, err)
	}
	return ref.Context().Digest(found.Digest.String()).String(), nil
}
