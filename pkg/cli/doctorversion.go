package cli

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/mod/semver"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/pkg/externalsecret"
)

// listsStrangers are the last versions of each line of Quay, as they were tagged until August 2026, that list robots by an
// unescaped LIKE (quay/quay data/model/user.py): the owner of an organization with an underscore in its name gets the tokens of
// others' robots with it. Older versions of each line do the same. Which later ones do not is for the advisory to say.
var listsStrangers = []string{"v3.12.21", "v3.13.11", "v3.14.8", "v3.15.7", "v3.16.5", "v3.17.4", "v3.18.0"}

// addQuayVersion judges the version that Quay says it is.
func (d *doctor) addQuayVersion(version string) {
	const advisory = "the advisory of CVE-2026-110697 says which versions are fixed"
	v := "v" + version
	if !semver.IsValid(v) {
		d.addAs(unknown, "quay-version", "see whether it is one: "+advisory, "Quay does not tell its version")
		return
	}
	i := slices.IndexFunc(listsStrangers, func(last string) bool { return semver.MajorMinor(last) == semver.MajorMinor(v) })
	known := i >= 0 && semver.Compare(v, listsStrangers[i]) <= 0 || i < 0 && semver.Compare(v, listsStrangers[0]) < 0
	if known {
		d.addAs(sick, "quay-version", "upgrade: "+advisory+"; until then let nobody but the platform make organizations, and rotate afterwards",
			"Quay "+version+" shows robots' tokens to the owner of an organization with an underscore in its name")
		return
	}
	d.addAs(warning, "quay-version", "see whether it is one: "+advisory, "Quay "+version+" is newer than those known to show robots' tokens to other organizations")
}

// oldestExternalSecrets closes the ways by which a template reads other tenants' Secrets or sends them away.
const oldestExternalSecrets = "v2.4.1"

func (d *doctor) lookAtExternalSecrets(ctx context.Context) {
	const next = "install External Secrets " + oldestExternalSecrets + " or newer"
	const cves = ": older ones let a template read other tenants' Secrets (CVE-2026-22822) or send them away (CVE-2026-34984)"
	served, err := d.clients.Kube.Discovery().ServerResourcesForGroupVersion(externalsecret.Resource.GroupVersion().String())
	if err != nil && !apierrs.IsNotFound(err) {
		d.cannot(fmt.Errorf("asking for the versions of ExternalSecrets: %w", err), "external-secrets")
		return
	} else if err != nil || len(served.APIResources) == 0 {
		d.addAs(sick, "external-secrets", next, externalsecret.Resource.GroupVersion().String()+" is not served")
		return
	}
	version, err := d.externalSecretsVersion(ctx)
	if err == nil && semver.IsValid(version) {
		d.add("external-secrets", semver.Compare(version, oldestExternalSecrets) >= 0, next+cves, "External Secrets is "+version, "External Secrets is "+version+", which is too old")
		return
	}
	// Where its Deployment cannot be seen or does not tell, its fields do, roughly.
	switch hasField, err := (&cluster{d.clients, d.config}).hasNullBytePolicy(ctx); {
	case err != nil:
		d.cannot(err, "external-secrets")
	case !hasField:
		d.addAs(sick, "external-secrets", next+cves, "External Secrets is older than v2.3: ExternalSecrets have no nullBytePolicy")
	default:
		d.addAs(warning, "external-secrets", "see that it is "+oldestExternalSecrets+" or newer", "External Secrets is v2.3 or newer, by its fields; no Deployment tells its version")
	}
}

// externalSecretsVersion is that on the label of its Deployment, as its chart writes it; the oldest if there are several, empty if
// there is none.
func (d *doctor) externalSecretsVersion(ctx context.Context) (string, error) {
	deployments, err := d.clients.Kube.AppsV1().Deployments(metav1.NamespaceAll).List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=external-secrets"})
	if err != nil {
		return "", err
	}
	versions := []string{}
	for _, deployment := range deployments.Items {
		if version := deployment.Labels["app.kubernetes.io/version"]; semver.IsValid(version) {
			versions = append(versions, version)
		}
	}
	if len(versions) == 0 {
		return "", nil
	}
	return slices.MinFunc(versions, semver.Compare), nil
}
