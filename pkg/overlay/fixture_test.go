package overlay_test

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"strings"
	"testing/fstest"

	"github.com/comptech-lab/quay-push/pkg/overlay"
)

// proxy is the sidecar's image.
const proxy = "quay.example.com:8443/team-payments/proxy"

var dev = overlay.Overlay{Team: "payments", App: "checkout", Env: "dev"}

// in is the overlay of the same app in another environment.
func in(env string) overlay.Overlay {
	o := dev
	o.Env = env
	return o
}

const base = `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
commonLabels:
  app.kubernetes.io/name: checkout
resources:
  - deployment.yaml
  - service.yaml
`

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: checkout}
spec:
  selector: {matchLabels: {app: checkout}}
  template:
    metadata: {labels: {app: checkout}}
    spec:
      initContainers:
        - {name: proxy, image: "quay.example.com:8443/team-payments/proxy:placeholder"}
      containers:
        - {name: app, image: "quay.example.com/team-payments/checkout:placeholder"}
`

const service = `apiVersion: v1
kind: Service
metadata: {name: checkout}
spec: {ports: [{port: 8080}]}
`

// kustomization is one in the contract's form, for the digest, and for the sidecar's.
func kustomization(env, digest, sidecar string) string {
	return `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization

namespace: apps-payments-checkout-` + env + `

resources:
  - ../../base

images:
  - name: ` + checkout + ` # the app
    newName: ` + checkout + `
    digest: ` + digest + `
  - name: ` + proxy + `
    newName: ` + proxy + `
    digest: ` + sidecar + `
`
}

// app is a repository with one app, as the contract has it. dev has a digest, stg another one, and prd none.
func app() fstest.MapFS {
	tree := fstest.MapFS{}
	put(tree, "apps/payments/checkout/base/kustomization.yaml", base)
	put(tree, "apps/payments/checkout/base/deployment.yaml", deployment)
	put(tree, "apps/payments/checkout/base/service.yaml", service)
	put(tree, in("dev").Path(), kustomization("dev", digest("d"), digest("1")))
	put(tree, in("stg").Path(), kustomization("stg", digest("5"), digest("2")))
	put(tree, in("prd").Path(), kustomization("prd", overlay.Placeholder, overlay.Placeholder))
	return tree
}

func put(tree fstest.MapFS, name, content string) {
	tree[name] = &fstest.MapFile{Data: []byte(content), Mode: 0o644}
}

// edit replaces text in a file of the tree, which must be there.
func edit(tree fstest.MapFS, name, old, new string) {
	content := string(tree[name].Data)
	if !strings.Contains(content, old) {
		panic("no " + old + " in " + name)
	}
	put(tree, name, strings.ReplaceAll(content, old, new))
}

// link makes a symbolic link.
func link(tree fstest.MapFS, name, target string) {
	tree[name] = &fstest.MapFile{Data: []byte(target), Mode: fs.ModeSymlink | 0o777}
}

// move moves all that is below a directory.
func move(tree fstest.MapFS, from, to string) {
	for name, file := range maps.Clone(tree) {
		if rest, ok := strings.CutPrefix(name, from+"/"); ok {
			delete(tree, name)
			tree[path.Join(to, rest)] = file
		}
	}
}

// move1 moves one file.
func move1(tree fstest.MapFS, from, to string) {
	tree[to] = tree[from]
	delete(tree, from)
}

// none changes nothing.
func none(fstest.MapFS) {}

// file writes a file.
func file(name, content string) func(fstest.MapFS) {
	return func(tree fstest.MapFS) { put(tree, name, content) }
}

// in1 replaces text in the overlay of an environment, and writes more files.
func in1(env, old, new string, files ...string) func(fstest.MapFS) {
	return func(tree fstest.MapFS) {
		edit(tree, in(env).Path(), old, new)
		for i := 0; i < len(files); i += 2 {
			put(tree, files[i], files[i+1])
		}
	}
}

// copyTo adds the files of one tree to another.
func copyTo(tree, from fstest.MapFS) { maps.Copy(tree, from) }

// inClone asks about a working copy of the tree on disk.
func inClone(ask func(dir string) error) func(fstest.MapFS) error {
	return func(tree fstest.MapFS) error {
		dir, err := os.MkdirTemp("", "clone")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		if err := os.Mkdir(dir+"/.git", 0o700); err != nil {
			return err
		}
		if err := os.CopyFS(dir, tree); err != nil {
			return err
		}
		return ask(dir)
	}
}

// refusals are those of which an error is made.
func refusals(err error) []*overlay.Refusal {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []*overlay.Refusal
		for _, e := range joined.Unwrap() {
			all = append(all, refusals(e)...)
		}
		return all
	}
	if refusal := (*overlay.Refusal)(nil); errors.As(err, &refusal) {
		return []*overlay.Refusal{refusal}
	}
	return nil
}

// dead is a registry in which no tag lasts.
type dead struct{}

func (dead) Fate(context.Context, string, string) (overlay.Fate, error) { return overlay.Fate{}, nil }
