package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/operator-framework/api/pkg/manifests"
	"github.com/operator-framework/api/pkg/operators/v1alpha1"
	"sigs.k8s.io/yaml"

	"github.com/comptech-lab/quay-push/release/olm"
)

// write makes a directory with the bundle of what config/ has, with images that nobody built, and returns it.
func write(t *testing.T) string {
	t.Helper()
	paths, err := filepath.Glob("../../config/*.yaml")
	if err != nil || len(paths) < 10 {
		t.Fatalf("%d manifests, %v", len(paths), err)
	}
	var install []byte
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		install = append(append(install, "\n---\n"...), content...)
	}
	built := regexp.MustCompile(`ko://\S*/`).ReplaceAllString(string(install), "quay.example.com/quay-push/")
	built = regexp.MustCompile(`image: \S+`).ReplaceAllString(built, "$0@sha256:"+strings.Repeat("0", 64))
	files, err := olm.Files("v0.2.0", []byte(built))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, content := range files {
		if name == olm.Administrator {
			continue
		}
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// edit replaces text in the bundle's ClusterServiceVersion.
func edit(t *testing.T, dir, old, text string) {
	t.Helper()
	path := filepath.Join(dir, "manifests", olm.Name+".clusterserviceversion.yaml")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(content), old) {
		t.Fatalf("there is no %q in\n%s", old, content)
	}
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(content), old, text)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// The validators of operator-sdk have nothing against the bundle, not even a warning.
func TestBundleIsValid(t *testing.T) {
	against, err := validate(write(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range against {
		t.Error(text)
	}
}

// Every field of the ClusterServiceVersion is one that OLM knows.
func TestNoFieldIsUnknown(t *testing.T) {
	content, err := os.ReadFile(filepath.Join(write(t), "manifests", olm.Name+".clusterserviceversion.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var csv v1alpha1.ClusterServiceVersion
	if err := yaml.UnmarshalStrict(content, &csv); err != nil {
		t.Fatal(err)
	}
	if len(csv.Spec.InstallStrategy.StrategySpec.DeploymentSpecs) != 1 || len(csv.Spec.InstallStrategy.StrategySpec.ClusterPermissions) != 1 {
		t.Errorf("%+v", csv.Spec.InstallStrategy.StrategySpec)
	}
}

// The validators are called: what is wrong with a bundle is seen.
func TestWrongBundles(t *testing.T) {
	for want, change := range map[string]func(dir string){
		"none of InstallModeTypes are supported": func(dir string) { edit(t, dir, "supported: true", "supported: false") },
		"MinKubeVersion has an invalid value":    func(dir string) { edit(t, dir, "minKubeVersion: 1.30.0", "minKubeVersion: one") },
		"unable to find the resource requests":   func(dir string) { edit(t, dir, "requests:", "limits2:") },
		"invalid service account found": func(dir string) {
			account := "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: controller\n"
			if err := os.WriteFile(filepath.Join(dir, "manifests", "account.yaml"), []byte(account), 0o644); err != nil {
				t.Fatal(err)
			}
		},
	} {
		dir := write(t)
		change(dir)
		if against, err := validate(dir); err != nil || !strings.Contains(strings.Join(against, "\n"), want) {
			t.Errorf("against it is %q, %v; want %q", against, err, want)
		}
	}
	if _, err := validate(t.TempDir()); err == nil {
		t.Error("an empty directory is a bundle")
	}
}

// Operator-registry, which opm and OLM are made of, has nothing against the bundle either.
func TestRegistryTakesTheBundle(t *testing.T) {
	for _, text := range registry(write(t)) {
		t.Error(text)
	}
}

// Why there is a file for the administrator: operator-registry refuses these kinds. Once it takes them they belong into the bundle.
func TestRegistryRefusesPolicies(t *testing.T) {
	for kind, apiVersion := range map[string]string{
		"ValidatingAdmissionPolicy": "admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding": "admissionregistration.k8s.io/v1",
		"Namespace": "v1", "Task": "tekton.dev/v1",
	} {
		dir := write(t)
		object := "apiVersion: " + apiVersion + "\nkind: " + kind + "\nmetadata:\n  name: more\n"
		if err := os.WriteFile(filepath.Join(dir, "manifests", "more.yaml"), []byte(object), 0o644); err != nil {
			t.Fatal(err)
		}
		if against := strings.Join(registry(dir), "\n"); !strings.Contains(against, kind+" is not supported type for registryV1 bundle") {
			t.Errorf("%s: against it is %q", kind, against)
		}
	}
	dir := write(t)
	if err := os.Remove(filepath.Join(dir, "metadata", "annotations.yaml")); err != nil {
		t.Fatal(err)
	}
	if against := strings.Join(registry(dir), "\n"); !strings.Contains(against, "Could not find annotations file") {
		t.Errorf("without annotations: against it is %q", against)
	}
}

// What metadata/annotations.yaml says is what OLM reads there.
func TestAnnotations(t *testing.T) {
	bundle, err := manifests.GetBundleFromDir(write(t))
	if err != nil {
		t.Fatal(err)
	}
	if bundle.Package != olm.Name || bundle.DefaultChannel != "stable" || len(bundle.Channels) != 1 || bundle.Channels[0] != "stable" {
		t.Errorf("package %q, channels %q, default %q", bundle.Package, bundle.Channels, bundle.DefaultChannel)
	}
	if got := len(bundle.Objects); got < 6 {
		t.Errorf("the bundle has %d objects", got)
	}
}
