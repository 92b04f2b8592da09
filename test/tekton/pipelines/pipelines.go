// Package pipelines installs Tekton Pipelines from its Go module: images built by ko, manifests from its config directory.
package pipelines

import (
	"context"
	"path/filepath"
	"regexp"

	"github.com/comptech-lab/quay-push/test/tekton/install"
)

// module is Tekton's, at the version in go.mod.
const module = "github.com/tektoncd/pipeline"

// Program is Tekton.
var Program = install.Program{
	Name: "Tekton",
	CRDs: "app.kubernetes.io/part-of=tekton-pipelines",
	Deployments: map[string][]string{
		"tekton-pipelines":           {"tekton-pipelines-controller", "tekton-pipelines-webhook", "tekton-events-controller"},
		"tekton-pipelines-resolvers": {"tekton-pipelines-remote-resolvers"},
	},
	Resolve: resolve,
}

// tini is the init that the resolvers' command starts with. It is there for the children of git, in a base image that
// cannot be had from here.
var tini = regexp.MustCompile(`(?m)^ *- /sbin/tini\n *- --\n`)

// resolve has ko build the programs that Tekton's manifests name, and returns the manifests with the images in their place.
func resolve(ctx context.Context) ([]byte, error) {
	config, err := manifests(ctx)
	if err != nil {
		return nil, err
	}
	resolved, err := install.Run(ctx, "", nil, "ko", "resolve", "--recursive", "--sbom=none", "--filename="+config)
	return tini.ReplaceAll(resolved, nil), err
}

// manifests is the directory with Tekton's manifests.
func manifests(ctx context.Context) (string, error) {
	m, err := install.Download(ctx, module)
	return filepath.Join(m.Dir, "config"), err
}
