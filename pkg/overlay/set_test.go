package overlay_test

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/pkg/overlay"
)

var pin = overlay.Pin{Image: checkout, Digest: digest("a")}

func TestSet(t *testing.T) {
	e, err := overlay.Set(app(), dev, pin)
	if err != nil {
		t.Fatal(err)
	}
	want := overlay.Edit{
		Path:   "apps/payments/checkout/overlays/dev/kustomization.yaml",
		Before: []byte(kustomization("dev", digest("d"), digest("1"))),
		After:  []byte(kustomization("dev", digest("a"), digest("1"))),
	}
	if diff := cmp.Diff(want, e); diff != "" || !e.Changed() {
		t.Errorf("Set (-want +got):\n%s", diff)
	}
	sidecar, err := overlay.Set(app(), dev, overlay.Pin{Image: proxy, Digest: digest("a")})
	if err != nil || string(sidecar.After) != kustomization("dev", digest("d"), digest("a")) {
		t.Errorf("Set for a host with a port and an init container = %s, %v", sidecar.After, err)
	}
	none, err := overlay.Set(app(), dev, overlay.Pin{Image: checkout, Digest: digest("d")})
	if err != nil || none.Changed() {
		t.Errorf("Set of the digest that is there = %+v, %v", none, err)
	}
}

// Set takes what kustomize takes, as long as it is in the repository.
func TestSetTakes(t *testing.T) {
	overlayFile := dev.Path()
	for name, change := range map[string]func(fstest.MapFS){
		"placeholder": func(tree fstest.MapFS) { edit(tree, overlayFile, digest("d"), overlay.Placeholder) },
		"newTag in dev": func(tree fstest.MapFS) {
			edit(tree, overlayFile, "digest: "+digest("d"), "newTag: v1")
		},
		"a shared base": func(tree fstest.MapFS) {
			edit(tree, "apps/payments/checkout/base/kustomization.yaml", "  - deployment.yaml\n", "  - ../../../../shared/web\n")
			put(tree, "shared/web/kustomization.yaml", "resources: [deployment.yaml]\n")
			put(tree, "shared/web/deployment.yaml", deployment)
		},
		"a component": func(tree fstest.MapFS) {
			edit(tree, overlayFile, "images:", "components: [../../../../../shared/tracing]\nimages:")
			put(tree, "shared/tracing/kustomization.yaml", "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\ncommonAnnotations: {tracing: \"true\"}\n")
		},
		"bases": func(tree fstest.MapFS) {
			edit(tree, overlayFile, "resources:", "bases:")
		},
		"patches": func(tree fstest.MapFS) {
			edit(tree, overlayFile, "images:", "patches:\n  - path: patch-replicas.yaml\nimages:")
			put(tree, dev.Dir()+"/patch-replicas.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: checkout}\nspec: {replicas: 2}\n")
		},
		"inline patches": func(tree fstest.MapFS) {
			edit(tree, overlayFile, "images:", "patchesStrategicMerge:\n  - |-\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {name: checkout, annotations: {see: \"https://example.com\"}}\nimages:")
		},
		"a patch on one line": func(tree fstest.MapFS) {
			edit(tree, overlayFile, "images:", "patchesStrategicMerge: ['{apiVersion: apps/v1, kind: Deployment, metadata: {name: checkout, annotations: {see: \"https://example.com\"}}}']\nimages:")
		},
		"other names for shared kustomizations": func(tree fstest.MapFS) {
			edit(tree, "apps/payments/checkout/base/kustomization.yaml", "resources:", "resources:\n  - ../../../../shared/yml\n  - ../../../../shared/plain")
			put(tree, "shared/yml/kustomization.yml", "resources: [service.yaml]\nnamePrefix: yml-\n")
			put(tree, "shared/yml/service.yaml", service)
			put(tree, "shared/plain/Kustomization", "commonLabels: {a: b}\nresources: [service.yaml]\nnamePrefix: plain-\n")
			put(tree, "shared/plain/service.yaml", service)
		},
		"files in directories": func(tree fstest.MapFS) {
			edit(tree, "apps/payments/checkout/base/kustomization.yaml", "resources:", "configMapGenerator:\n  - {name: settings, files: [application.properties=config/app.properties], envs: [config/app.env]}\nresources:")
			put(tree, "apps/payments/checkout/base/config/app.properties", "see=https://example.com\n")
			put(tree, "apps/payments/checkout/base/config/app.env", "A=b\n")
		},
		"annotations with URLs": func(tree fstest.MapFS) {
			edit(tree, overlayFile, "images:", "commonAnnotations: {see: \"https://example.com/a@b\"}\nimages:")
		},
		"no tag in the base, but a port": func(tree fstest.MapFS) {
			edit(tree, "apps/payments/checkout/base/deployment.yaml", checkout+":placeholder", "quay.example.com:8443/team-payments/checkout")
			edit(tree, overlayFile, checkout, "quay.example.com:8443/team-payments/checkout")
		},
		"a tag and a digest in the base": func(tree fstest.MapFS) {
			edit(tree, "apps/payments/checkout/base/deployment.yaml", checkout+":placeholder", checkout+":v1@"+digest("e"))
		},
		"links elsewhere": func(tree fstest.MapFS) { link(tree, "apps/payments/other/base", "/etc") },
	} {
		t.Run(name, func(t *testing.T) {
			tree := app()
			change(tree)
			p := pin
			if strings.Contains(name, "port") {
				p.Image = "quay.example.com:8443/team-payments/checkout"
			}
			if e, err := overlay.Set(tree, dev, p); err != nil || !strings.Contains(string(e.After), pin.Digest) {
				t.Errorf("Set = %s, %v", e.After, err)
			}
		})
	}
}

func TestSetRefuses(t *testing.T) {
	const baseFile, baseDir, deploymentFile = "apps/payments/checkout/base/kustomization.yaml", "apps/payments/checkout/base", "apps/payments/checkout/base/deployment.yaml"
	overlayFile := dev.Path()
	inBase := func(field string) func(fstest.MapFS) {
		return func(tree fstest.MapFS) { edit(tree, baseFile, "resources:\n", field+"\nresources:\n") }
	}
	resource := func(name string) func(fstest.MapFS) {
		return func(tree fstest.MapFS) { edit(tree, baseFile, "resources:\n", "resources:\n  - "+name+"\n") }
	}
	for name, test := range map[string]struct {
		reason overlay.Reason
		change func(fstest.MapFS)
	}{
		"no overlay": {overlay.ReasonMissing, func(tree fstest.MapFS) { delete(tree, overlayFile) }},
		"another file name": {overlay.ReasonMissing, func(tree fstest.MapFS) {
			tree[dev.Dir()+"/kustomization.yml"] = tree[overlayFile]
			delete(tree, overlayFile)
		}},
		"no base":                {overlay.ReasonMissing, func(tree fstest.MapFS) { move(tree, baseDir, "apps/payments/checkout/basis") }},
		"a directory for a file": {overlay.ReasonMissing, func(tree fstest.MapFS) { move(tree, dev.Dir(), overlayFile) }},
		"the file is a link":     {overlay.ReasonSymlink, func(tree fstest.MapFS) { link(tree, overlayFile, "../stg/kustomization.yaml") }},
		"a link out":             {overlay.ReasonSymlink, func(tree fstest.MapFS) { link(tree, overlayFile, "/etc/passwd") }},
		"a link to a directory": {overlay.ReasonSymlink, func(tree fstest.MapFS) {
			move(tree, "apps/payments", "apps/other")
			link(tree, "apps/payments", "other")
		}},
		"a link in the base":    {overlay.ReasonSymlink, func(tree fstest.MapFS) { link(tree, deploymentFile, "/etc/passwd") }},
		"a link in the overlay": {overlay.ReasonSymlink, func(tree fstest.MapFS) { link(tree, dev.Dir()+"/patch.yaml", "../../../../../.git/config") }},
		"two documents":         {overlay.ReasonMultiDocument, func(tree fstest.MapFS) { edit(tree, overlayFile, "images:", "---\nimages:") }},
		"a large file":          {overlay.ReasonTooLarge, func(tree fstest.MapFS) { put(tree, baseDir+"/large", strings.Repeat("x", 1<<20+1)) }},
		"many files": {overlay.ReasonTooLarge, func(tree fstest.MapFS) {
			for i := range 2001 {
				put(tree, fmt.Sprintf("%s/%d", baseDir, i), "")
			}
		}},
		"another image in the base": {overlay.ReasonBaseImage, func(tree fstest.MapFS) { edit(tree, deploymentFile, checkout, checkout+"-v2") }},
		"a port more in the base": {overlay.ReasonBaseImage, func(tree fstest.MapFS) {
			edit(tree, deploymentFile, checkout, "quay.example.com:443/team-payments/checkout")
		}},
		"another case in the base": {overlay.ReasonBaseImage, func(tree fstest.MapFS) {
			edit(tree, deploymentFile, checkout, "Quay.example.com/team-payments/checkout")
		}},
		"no image in the base": {overlay.ReasonBaseImage, func(tree fstest.MapFS) { edit(tree, baseFile, "  - deployment.yaml\n", "") }},
		"the base renames it":  {overlay.ReasonBaseImage, inBase("images: [{name: " + checkout + ", newName: mirror.example.com/checkout}]")},
		"the overlay has no base": {overlay.ReasonNoEffect, func(tree fstest.MapFS) {
			edit(tree, overlayFile, "../../base", "service.yaml")
			put(tree, dev.Dir()+"/service.yaml", service)
		}},
		"a patch replaces the image": {overlay.ReasonNoEffect, func(tree fstest.MapFS) {
			edit(tree, overlayFile, "images:", `patches:
  - patch: '[{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "elsewhere.example.com/checkout:v1"}]'
    target: {kind: Deployment}
images:`)
		}},
		"a second entry renames it": {overlay.ReasonNoEffect, func(tree fstest.MapFS) {
			edit(tree, overlayFile, "images:", "images:\n  - {name: quay.example.com/team-payments/.*, newName: elsewhere.example.com/checkout, newTag: v1}")
		}},
		"a base that is not YAML":  {overlay.ReasonRender, func(tree fstest.MapFS) { put(tree, baseFile, "{") }},
		"an unknown field":         {overlay.ReasonRender, inBase("resource: [x]")},
		"a file that is not there": {overlay.ReasonMissing, resource("route.yaml")},
		"a file out of the root":   {overlay.ReasonRender, resource("../overlays/stg/kustomization.yaml")},
		"a cycle":                  {overlay.ReasonRender, resource("../overlays/dev")},
		"out of the repository":    {overlay.ReasonPath, resource("../../../../../etc")},
		"an absolute path":         {overlay.ReasonMissing, resource("/etc/passwd")},
		"a URL":                    {overlay.ReasonRemote, resource("https://example.com/deployment.yaml")},
		"a repository on GitHub":   {overlay.ReasonRemote, resource("GitHub.com/acme/base?ref=v1")},
		"a user on GitHub":         {overlay.ReasonRemote, resource("git@github.com/acme/base")},
		"a repository by ssh":      {overlay.ReasonRemote, resource("git@example.com:acme/base.git")},
		"a forced protocol":        {overlay.ReasonRemote, resource("git::https://example.com/acme/base")},
		"a local repository":       {overlay.ReasonRemote, resource("file:///srv/base.git")},
		"a component by URL":       {overlay.ReasonRemote, inBase("components: [\"https://example.com/c//d\"]")},
		"an old base by URL":       {overlay.ReasonRemote, inBase("bases: [\"https://example.com/c\"]")},
		"a field in another case":  {overlay.ReasonRemote, inBase("COMPONENTS: [\"https://example.com/c\"]")},
		"a patch by URL":           {overlay.ReasonRemote, inBase("patches: [{path: \"https://example.com/patch.yaml\"}]")},
		"an old patch by URL":      {overlay.ReasonRemote, inBase("patchesStrategicMerge: [\"https://example.com/patch.yaml\"]")},
		"a JSON patch by URL":      {overlay.ReasonRemote, inBase("patchesJson6902: [{path: \"https://example.com/patch.yaml\"}]")},
		"a schema by URL":          {overlay.ReasonRemote, inBase("openapi: {path: \"https://example.com/schema.json\"}")},
		"a CRD by URL":             {overlay.ReasonRemote, inBase("crds: [\"https://example.com/crd.json\"]")},
		"a configuration by URL":   {overlay.ReasonRemote, inBase("configurations: [\"https://example.com/c.yaml\"]")},
		"a replacement by URL":     {overlay.ReasonRemote, inBase("replacements: [{path: \"https://example.com/r.yaml\"}]")},
		"a file by URL":            {overlay.ReasonRemote, inBase("configMapGenerator: [{name: x, files: [\"a=https://example.com/a\"]}]")},
		"an environment by URL":    {overlay.ReasonRemote, inBase("secretGenerator: [{name: x, env: \"https://example.com/a\"}]")},
		"a transformer":            {overlay.ReasonRemote, inBase("transformers: [labels.yaml]")},
		"a generator":              {overlay.ReasonRemote, inBase("generators: [\"https://example.com/g\"]")},
		"a validator":              {overlay.ReasonRemote, inBase("validators: [v.yaml]")},
		"a Helm chart":             {overlay.ReasonRemote, inBase("helmCharts: [{name: x, repo: \"https://example.com\"}]")},
		"an old Helm chart":        {overlay.ReasonRemote, inBase("helmChartInflationGenerator: [{chartName: x}]")},
		"a URL in a shared base": {overlay.ReasonRemote, func(tree fstest.MapFS) {
			resource("../../../../shared")(tree)
			put(tree, "shared/kustomization.yaml", "resources: [\"https://example.com/x\"]\n")
		}},
		"a URL under another file name": {overlay.ReasonRemote, func(tree fstest.MapFS) {
			resource("../../../../shared")(tree)
			put(tree, "shared/kustomization.yml", "resources: [\"https://example.com/x\"]\n")
		}},
		"two kustomizations": {overlay.ReasonRender, func(tree fstest.MapFS) {
			resource("../../../../shared")(tree)
			put(tree, "shared/kustomization.yaml", "resources: []\n")
			put(tree, "shared/Kustomization", "resources: []\n")
		}},
		"a URL that is a mapping": {overlay.ReasonRemote, inBase("patchesStrategicMerge: [\"https://example.com/x: y\"]")},
		"a URL in the overlay": {overlay.ReasonRemote, func(tree fstest.MapFS) {
			edit(tree, overlayFile, "  - ../../base\n", "  - ../../base\n  - https://example.com/x\n")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			tree := app()
			test.change(tree)
			e, err := overlay.Set(tree, dev, pin)
			checkRefusal(t, err, test.reason)
			if e.After != nil {
				t.Errorf("there is an edit: %s", e.After)
			}
		})
	}
}

func TestSetRefusesAnOverlay(t *testing.T) {
	for _, env := range []string{"stg", "prd", "qa", "", "../dev", "dev/../prd", "dev\n", "*"} {
		_, err := overlay.Set(app(), in(env), pin)
		checkRefusal(t, err, overlay.ReasonEnvironment)
	}
	for _, name := range []string{"", ".", "..", "../..", "a/b", "Payments", "-a", "a-", "a_b", "a.b", "a\n", "*", strings.Repeat("a", 41)} {
		for _, o := range []overlay.Overlay{{Team: name, App: "checkout", Env: "dev"}, {Team: "payments", App: name, Env: "dev"}} {
			_, err := overlay.Set(app(), o, pin)
			checkRefusal(t, err, overlay.ReasonPath)
		}
	}
}

// What the file system cannot do is no refusal, and not lost.
func TestSetReturnsOtherErrors(t *testing.T) {
	_, err := overlay.Set(broken{app()}, dev, pin)
	if err == nil || !strings.Contains(err.Error(), "input/output error") {
		t.Errorf("Set = %v", err)
	}
}

type broken struct{ fstest.MapFS }

func (broken) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fmt.Errorf("input/output error")}
}
