package main

import (
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// gitOps is what a platform team keeps in Git, as Applications: later ones need earlier ones. Below config/ are the optional parts, below
// the others what belongs to them.
var gitOps = []struct{ name, paths, namespace string }{
	{"quay-push", "config/", "quay-push"},
	// One object is of both, and so it is of one Application: the latter's quota lets Pods into custody.
	{"quay-push-custody", "config/custody/ config/copy/", "quay-push"},
	{"quay-push-fleet", "config/fleet/", "quay-push"},
	{"quay-push-openshift", "config/openshift/", "openshift-pipelines"},
	{"quay-push-monitoring", "config/monitoring/", "quay-push"},
	{"quay-push-tasks", "tekton/task/", "openshift-pipelines"},
	{"quay-push-steps", "tekton/stepaction/", "openshift-pipelines"},
	{"quay-push-pipelines", "tekton/pipeline/", "apps-payments-checkout"},
}

// Everything that can be applied is of an Application, and no object of two: each would take it from the other.
func TestOneApplicationForAnObject(t *testing.T) {
	of, covered := map[string]string{}, map[string]bool{}
	for _, a := range gitOps {
		for path := range strings.FieldsSeq(a.paths) {
			for _, directory := range directories(t, filepath.Join(root, path), !strings.HasPrefix(path, "config/")) {
				covered[directory] = true
				for _, object := range files(t, directory+"/*.yaml") {
					if object.GetNamespace() == "" {
						object.SetNamespace(a.namespace)
					}
					if other := of[name(object)]; other != "" && other != a.name {
						t.Errorf("%s is of %s and of %s", name(object), other, a.name)
					}
					of[name(object)] = a.name
				}
			}
		}
	}
	for _, top := range []string{"config", "tekton"} {
		for _, directory := range directories(t, filepath.Join(root, top), true) {
			if !covered[directory] {
				t.Errorf("%s is of no Application", directory)
			}
		}
	}
	if len(of) < 90 {
		t.Errorf("there are %d objects", len(of))
	}
}

// directories are those that have manifests: the directory itself, and with below those below it.
func directories(t *testing.T, top string, below bool) (found []string) {
	t.Helper()
	err := filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case !entry.IsDir():
			return nil
		case path != filepath.Clean(top) && !below:
			return filepath.SkipDir
		}
		manifests, err := filepath.Glob(filepath.Join(path, "*.yaml"))
		if len(manifests) > 0 {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
