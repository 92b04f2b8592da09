// Package externalsecrets installs the operator of External Secrets, built from its Go module with one provider, Vault's.
package externalsecrets

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"

	"github.com/comptech-lab/quay-push/test/tekton/install"
)

// Program is External Secrets' controller. Its webhook, which only tells an author of a mistake earlier, and the controller of that one's
// certificates stay out: it runs without them.
var Program = install.Program{
	Name:        "External Secrets",
	CRDs:        "external-secrets.io/component=controller",
	Deployments: map[string][]string{"external-secrets": {"external-secrets"}},
	Resolve:     resolve,
}

// operator is what is installed beside the CRDs.
//
//go:embed operator.yaml
var operator []byte

// resolve has ko build the operator, and returns its CRDs and what runs it.
func resolve(ctx context.Context) ([]byte, error) {
	module, err := download(ctx)
	if err != nil {
		return nil, err
	}
	source, err := os.MkdirTemp("", "external-secrets-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(source)
	if err := take(source, module); err != nil {
		return nil, err
	}
	manifests, err := install.Run(ctx, source, bytes.NewReader(operator), "ko", "resolve", "--sbom=none", "--filename=-")
	if err != nil {
		return nil, err
	}
	definitions, err := filepath.Glob(filepath.Join(module, "config", "crds", "bases", "*.io_*.yaml"))
	if err != nil || len(definitions) == 0 {
		return nil, fmt.Errorf("looking for CRDs in %q: %d files, %w", module, len(definitions), err)
	}
	for _, file := range definitions {
		definition, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		manifests = append(append(manifests, "\n---\n"...), definition...)
	}
	return manifests, nil
}
