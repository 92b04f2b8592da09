// Package onboard renders what a team, and once the platform, needs in the cluster and in Vault, as manifests for GitOps. It
// asks nobody anything: the same input gives the same bytes.
package onboard

import "github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"

// VersionAnnotation is on the Secret: the version in Vault that it was rendered from.
const VersionAnnotation = v1alpha1.Group + "/vault-version"

// PartOfLabel and PartOf are the label that everything has which is rendered here.
const (
	PartOfLabel = "app.kubernetes.io/part-of"
	PartOf      = "quay-push"
)
