// Package cosign has cosign sign what a release is made of, with a key that its owner gives, and no service of anybody's.
package cosign

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/comptech-lab/quay-push/release/program"
)

// Suffix is what the name of a file's signature has more than the file's. It is a Sigstore bundle.
const Suffix = ".sigstore.json"

// These name no service: no certificate is asked of one, no timestamp, and nothing is told to a transparency log. Without them cosign
// asks Sigstore's own which there are (sigstore/protobuf-specs: sigstore_trustroot.proto).
const (
	noServices = `{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json"}`
	noRoot     = `{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}`
)

// Signer signs with one key.
type Signer struct {
	// Public verifies it, in PEM.
	Public  []byte
	program program.Program
	flags   []string
}

// New returns a signer with the private key in a file, in cosign's encrypted form; its password is in the environment. It leaves two files
// in dir. The error is cosign's: it comes before anything is built with a key that cannot be used.
func New(ctx context.Context, key, dir string) (Signer, error) {
	if _, given := os.LookupEnv(program.Password); !given {
		return Signer{}, fmt.Errorf("there is no $%s: export the password of %q, which is empty if it has none", program.Password, key)
	}
	config, root := filepath.Join(dir, "signing-config.json"), filepath.Join(dir, "trusted-root.json")
	for path, text := range map[string]string{config: noServices, root: noRoot} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return Signer{}, err
		}
	}
	s := Signer{program: program.Program{Name: "cosign"}, flags: []string{"--yes", "--key", key, "--signing-config", config, "--trusted-root", root}}
	public, err := s.program.Run(ctx, "public-key", "--key", key)
	s.Public = []byte(public + "\n")
	return s, err
}

// File leaves the signature of a file beside it.
func (s Signer) File(ctx context.Context, path string) error {
	if err := s.run(ctx, "sign-blob", "--bundle", path+Suffix, path); err != nil {
		return err
	}
	// cosign writes it for its owner alone.
	return os.Chmod(path+Suffix, 0o644)
}

// Image leaves the signature of an image, which is named by digest, as its referrer.
func (s Signer) Image(ctx context.Context, reference string) error {
	return s.run(ctx, "sign", reference)
}

// Attest leaves what a file says of an image as its referrer, as a predicate of a kind that cosign knows.
func (s Signer) Attest(ctx context.Context, reference, kind, path string) error {
	return s.run(ctx, "attest", "--type", kind, "--predicate", path, reference)
}

func (s Signer) run(ctx context.Context, verb string, args ...string) error {
	_, err := s.program.Run(ctx, append(append([]string{verb}, s.flags...), args...)...)
	return err
}
