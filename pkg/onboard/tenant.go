package onboard

import (
	"slices"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/tenant"
)

// The controller's ServiceAccount, and the ClusterRole of config/custody, which lets it give a run its own Secret.
const (
	controllerNamespace = "quay-push"
	controllerAccount   = "controller"
	custodyRole         = "quay-push-custody-copy"
)

// Team is what a team's manifests are made from.
type Team struct {
	tenant.Convention
	// Tenant are its names; its Namespace is where its Secret is.
	Tenant robot.Tenant
	// Namespace is the team's own, which gets its labels; empty: the team has none, its runs are in the shared namespaces.
	Namespace string
	// Trigger is the ServiceAccount that creates the team's runs in the shared namespaces; an empty Name: nobody gets the
	// right to.
	Trigger ServiceAccount
	// Custody says that robots' Secrets are in the custody namespace, from which each run gets a copy.
	Custody bool
	// Robot is the one that the ServiceAccount of a keyless team names; empty: the team has a stored credential.
	Robot string
	// Adopted says that the team has its ExternalSecret already, of an older app: there is one a team.
	Adopted bool
	// NullBytePolicy says that the installed ExternalSecrets have that field, VersionAnnotation that the Secret is to have that
	// annotation: both need External Secrets v2.8.
	NullBytePolicy, VersionAnnotation bool
}

// ServiceAccount names one.
type ServiceAccount struct{ Namespace, Name string }

// Manifests returns the team's files.
func (t Team) Manifests() []Manifest {
	var files []Manifest
	add := func(name string, objects ...map[string]any) {
		if len(objects) > 0 {
			files = append(files, Manifest{Name: name, Objects: objects})
		}
	}
	if t.Namespace != "" {
		add("namespace.yaml", t.namespace(), t.quota())
	}
	switch {
	case t.Robot != "":
		add("service-account.yaml", t.serviceAccount())
	case !t.Adopted:
		add("external-secret.yaml", t.externalSecret())
	}
	add("rbac.yaml", t.rights()...)
	return files
}

// labels are the tenant's on an object of the team.
func (t Team) labels() map[string]string {
	return map[string]string{t.TeamLabel: t.Tenant.Team, t.DivisionLabel: t.Tenant.Division, t.AppLabel: t.Tenant.App}
}

func (t Team) namespace() object {
	labels := t.labels()
	labels[v1alpha1.LabelGuarded] = "true"
	return newObject("v1", "Namespace", "", t.Namespace, labels)
}

// quota bounds what one team can have Tekton and the controller look at: runs are kept until somebody prunes them, so that it is far above
// what a team needs at once.
func (t Team) quota() object {
	q := newObject("v1", "ResourceQuota", t.Namespace, "quay-push-runs", map[string]string{t.TeamLabel: t.Tenant.Team})
	q["spec"] = object{"hard": object{
		"count/pipelineruns.tekton.dev": "2000", "count/taskruns.tekton.dev": "5000", "count/customruns.tekton.dev": "2000"}}
	return q
}

// rights are those of the controller to the Secret, and of the trigger to the team's name.
func (t Team) rights() (objects []map[string]any) {
	labels := map[string]string{t.TeamLabel: t.Tenant.Team}
	switch name := "quay-push-secret-" + t.Tenant.Team; {
	case !t.Custody:
		objects = append(objects,
			newRole(t.Tenant.Namespace, name, labels, "", "secrets", t.Tenant.Secret, "get"),
			newBinding(t.Tenant.Namespace, name, labels, "Role", name, controllerNamespace, controllerAccount))
	case t.Namespace != "":
		objects = append(objects, newBinding(t.Namespace, custodyRole, labels, "ClusterRole", custodyRole, controllerNamespace, controllerAccount))
	}
	if t.Trigger.Name == "" {
		return objects
	}
	name := "push-as-" + t.Tenant.Team
	for _, shared := range slices.Sorted(slices.Values(t.SharedNamespaces)) {
		objects = append(objects,
			newRole(shared, name, labels, v1alpha1.Group, v1alpha1.TenantsResource, t.Tenant.Team, "use"),
			newBinding(shared, name, labels, "Role", name, t.Trigger.Namespace, t.Trigger.Name))
	}
	return objects
}
