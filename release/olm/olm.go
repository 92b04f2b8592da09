// Package olm makes of a release what OpenShift's Operator Lifecycle Manager installs: a bundle, in the format registry+v1, and beside
// it what a bundle cannot hold. All of it is derived from the release's manifests but what about.yaml and description.md say.
package olm

import (
	"bytes"
	"fmt"
	"slices"

	"golang.org/x/mod/semver"
)

const (
	// Name is that of the package in a catalog.
	Name = "quay-push"
	// Administrator is the file for what the Operator Lifecycle Manager does not install, or not well. It is not part of the bundle.
	Administrator = "administrator.yaml"
)

// place is where an object of a release goes.
type place int

const (
	// inBundle has a file in the bundle.
	inBundle place = iota + 1
	// inService is part of the ClusterServiceVersion.
	inService
	// byAdministrator is in Administrator.
	byAdministrator
)

// places are the kinds that a release may have. A bundle takes those of operator-registry 4f9d6f22 pkg/lib/bundle/supported_resources.go;
// for any other an InstallPlan is invalid (operator-lifecycle-manager 992bb097 pkg/controller/operators/catalog/operator.go).
var places = map[string]place{
	"Deployment":          inService,
	"ServiceAccount":      inService,
	"ClusterRoleBinding":  inService,
	"PodDisruptionBudget": inBundle,
	"PriorityClass":       inBundle,
	"Service":             inBundle,
	// What binds the controller's account in its own namespace. As permissions of the ClusterServiceVersion these would hold in every
	// namespace: where an operator watches all, they are made ClusterRoles (same commit, pkg/controller/operators/olm/operatorgroup.go
	// ensureSingletonRBAC; operator-controller df2c201d BundleCSVClusterPermissionsGenerator).
	"Role":        inBundle,
	"RoleBinding": inBundle,
	// Part of the ClusterServiceVersion if it is the controller's.
	"ClusterRole": inBundle,
	// Unknown to bundles.
	"Namespace":                        byAdministrator,
	"Task":                             byAdministrator,
	"ValidatingAdmissionPolicy":        byAdministrator,
	"ValidatingAdmissionPolicyBinding": byAdministrator,
	// Known since 2025; what is older than operator-registry v1.55 refuses the whole bundle.
	"NetworkPolicy": byAdministrator,
	// Replaced as a whole with each upgrade (step_ensurer.go EnsureConfigMap), settings and all.
	"ConfigMap": byAdministrator,
}

// Files returns the files of a bundle, by their paths below its directory, and Administrator. Version is the release's, such as v0.2.0.
// Install is the manifest of what everybody installs, with images by digest; optional are the manifests of the other parts, of which
// the bundle names the images alone.
func Files(version string, install []byte, optional ...[]byte) (map[string][]byte, error) {
	if semver.Canonical(version) != version || version == "" {
		return nil, fmt.Errorf("making a bundle of version %q: it is not like v0.2.0", version)
	}
	objects, err := read(install)
	if err != nil {
		return nil, fmt.Errorf("making a bundle: %w", err)
	}
	files, service, rest := map[string][]byte{}, []object(nil), [][]byte(nil)
	for _, o := range objects {
		switch where := places[o.kind]; {
		case where == 0:
			return nil, fmt.Errorf("making a bundle: nothing says where %s %q goes", o.kind, o.name)
		case where == byAdministrator:
			rest = append(rest, o.text)
		case where == inService || o.kind == "ClusterRole" && isBound(o, objects):
			service = append(service, o)
		case files[o.file()] != nil:
			return nil, fmt.Errorf("making a bundle: %s %q is there twice", o.kind, o.name)
		default:
			if files[o.file()], err = o.anywhere(); err != nil {
				return nil, fmt.Errorf("making a bundle: writing %s %q: %w", o.kind, o.name, err)
			}
		}
	}
	images, err := images(slices.Concat([][]byte{install}, optional)...)
	if err != nil {
		return nil, fmt.Errorf("making a bundle: %w", err)
	}
	if files["manifests/"+Name+".clusterserviceversion.yaml"], err = serviceVersion(version, service, images); err != nil {
		return nil, fmt.Errorf("making a bundle: %w", err)
	}
	files[Administrator] = append(bytes.Join(rest, []byte("\n---\n")), '\n')
	annotations := annotations(version)
	files["metadata/annotations.yaml"] = annotations.file()
	files["bundle.Dockerfile"] = annotations.dockerfile()
	return files, nil
}

// isBound reports whether a ClusterRoleBinding gives the ClusterRole to somebody.
func isBound(role object, objects []object) bool {
	return slices.ContainsFunc(objects, func(o object) bool {
		return o.kind == "ClusterRoleBinding" && o.string("roleRef", "name") == role.name
	})
}
