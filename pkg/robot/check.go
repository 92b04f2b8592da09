package robot

import (
	"time"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
)

// Status is how a check went.
type Status string

// The statuses of a check.
const (
	Passed Status = "passed"
	Failed Status = "failed"
	// Skipped: it could not be looked at, because of another one that failed, or for lack of a right.
	Skipped Status = "skipped"
)

// Check is one look at a part of the chain from Quay to the Secret.
type Check struct {
	// ID is its name, which stays the same from one version to the next.
	ID     string `json:"id"`
	Title  string `json:"title"`
	Status Status `json:"status"`
	// Cluster is the cluster that was looked at, where there are several.
	Cluster string `json:"cluster,omitempty"`
	// Detail is what was found, Next the next step where it failed or nobody had the right to look.
	Detail string `json:"detail,omitempty"`
	Next   string `json:"next,omitempty"`
	// Symptom is what people see when this is wrong, in the words of docs/failure-modes.md.
	Symptom Symptom `json:"symptom,omitempty"`
}

// Symptom is a row of the table in docs/failure-modes.md.
type Symptom string

// The symptoms, in the order of that table.
const (
	SymptomUnauthorized Symptom = "PipelineRun fails unauthorized"
	SymptomNotReady     Symptom = "ExternalSecret Ready=False"
	SymptomStronger     Symptom = "Push works locally but fails in the cluster"
	SymptomShared       Symptom = "Two tenants accidentally share a Secret"
	SymptomLeaked       Symptom = "Robot token leaked"
)

// WorstFirst are the symptoms by how bad they are: isolation, then a token that others have, then what stops pushes.
var WorstFirst = []Symptom{SymptomShared, SymptomLeaked, SymptomUnauthorized, SymptomNotReady, SymptomStronger}

// Report is what Verify found of one tenant.
type Report struct {
	Tenant string `json:"tenant"`
	// Robot is the robot in use, by Vault.
	Robot string `json:"robot,omitempty"`
	// Written is when its token was written to Vault; zero where Vault has none of the team's.
	Written time.Time `json:"written,omitzero"`
	Checks  []Check   `json:"checks"`
	// Unproved is what nobody may look at who is not the controller, and why; it makes nothing wrong.
	Unproved []string `json:"unproved,omitempty"`

	// Warnings are what may become wrong outside of the credential, each with its next step; they make nothing wrong.
	Warnings []string `json:"warnings,omitempty"`

	// prints are keyed hashes of what must not be shared, by what it is. They never leave the process.
	prints map[string]string
}

// OK reports whether no check failed or was skipped.
func (r Report) OK() bool {
	for _, c := range r.Checks {
		if c.Status != Passed {
			return false
		}
	}
	return true
}

// NotAsked reports whether the check says that something about the team could not be asked.
func (c Check) NotAsked() bool { return c.ID == checkAsked.id && c.Status == Failed }

// checkKind is a check that is not done yet.
type checkKind struct {
	id, title string
	symptom   Symptom
	next      string
}

// The checks, in the order in which a credential travels: Quay, Vault, the Secret.
var (
	checkOrganization = checkKind{"organization", "the organization exists", SymptomUnauthorized, "create it in Quay, or run bootstrap with --create-organization"}
	checkVaultData    = checkKind{"vault-data", "Vault has a user name and a token, and nothing else", SymptomNotReady, "run bootstrap"}
	checkVaultRobot   = checkKind{"vault-robot", "the robot in Vault is one of the team's", SymptomShared, "run bootstrap for the path's own team"}
	checkVaultToken   = checkKind{"vault-token", "Vault has the token that Quay has", SymptomUnauthorized, "run rotate, which makes another robot and ends this one"}
	checkCluster      = checkKind{"cluster", "the cluster answers", SymptomUnauthorized, "see that it is there, and that the context of the kubeconfig opens it"}
	checkReady        = checkKind{"external-secret", "the ExternalSecret is ready", SymptomNotReady, "see its Events"}
	checkFollows      = checkKind{"external-secret-refresh", "the Secret takes over what is written to Vault", SymptomNotReady, nextOfFrozen("")}
	checkPath         = checkKind{"external-secret-path", "the ExternalSecret reads this team's path", SymptomShared, "delete it and render it again with onboard"}
	checkType         = checkKind{"secret-type", "the Secret has the type kubernetes.io/dockerconfigjson", SymptomUnauthorized, "render the ExternalSecret again with onboard"}
	checkHost         = checkKind{"secret-host", "the Secret has an entry for the registry", SymptomStronger, "render the ExternalSecret again with onboard"}
	checkSecretRobot  = checkKind{"secret-robot", "the robot in the Secret is one of the team's", SymptomShared, "rename the Secret by the convention and create the ExternalSecret again"}
	checkSecretToken  = checkKind{"secret-token", "the Secret has the token that Vault has", SymptomUnauthorized, "run bootstrap, which has the Secret take it over"}
	checkAge          = checkKind{"secret-age", "the Secret is not older than the version in Vault", SymptomUnauthorized, "run bootstrap, which has the Secret take it over"}
	checkDefault      = checkKind{"default-permission", "the robot gets Write on repositories made later", SymptomUnauthorized,
		"run rotate, which makes a robot that does: a robot that leaked, and whose end was broken off, lacks it too"}
	checkPush = checkKind{"push-right", "the robot may push to every repository of the team", SymptomUnauthorized,
		"run bootstrap; if it has Write, see whether the repository is read-only or a mirror"}
	checkForeign  = checkKind{"no-right-elsewhere", "the robot may not push to another organization", SymptomShared, "take it out of that organization's teams"}
	checkOld      = checkKind{"old-tokens", "no older version in Vault can be read", SymptomLeaked, "run rotate: it finishes what was left undone, and destroys them"}
	checkOthers   = checkKind{"other-robots", "no other robot of the team holds a right", SymptomLeaked, "run rotate, which takes its rights, burns its token and deletes it"}
	checkSettings = checkKind{"vault-settings", "Vault keeps what is written for long enough", SymptomNotReady, "run rotate, which writes it again"}
	checkAsked    = checkKind{"asked", "everything about the team could be asked", "", "run verify for this team alone"}
	checkShared   = checkKind{"not-shared", "no other team has the same token, Secret or path", SymptomShared, "run rotate for both teams, and render both ExternalSecrets again with onboard"}
)

// The checks of a keyless team, besides those of above that it has too.
var (
	checkAccount = checkKind{"service-account", "the ServiceAccount names a robot of the team's, and is no Pod's", SymptomShared,
		"if it names another robot, take away its annotation " + v1alpha1.AnnotationSuccessor + "; then apply what tkn quay onboard TEAM --keyless renders for the team"}
	checkKeylessRobot = checkKind{"robot", "the robot that the ServiceAccount names exists", SymptomUnauthorized, "run onboard with --keyless, and apply the ServiceAccount that it renders"}
	checkTrust        = checkKind{"federation", "the robot trusts the ServiceAccount and nobody else", SymptomShared, "run onboard with --keyless, which has it trust that alone"}
	checkTrustedOnce  = checkKind{"federation-subject", "no other robot of the organization trusts the ServiceAccount", SymptomShared, "take it out of that robot's federation in Quay"}
	checkExchange     = checkKind{"exchange", "Quay gives the robot's token for one of the ServiceAccount", SymptomUnauthorized, "see what Quay says"}
	checkNoStored     = checkKind{"nothing-stored", "no credential of the team is in Vault, nor a Secret in the cluster", SymptomLeaked,
		"delete what is there, from Git first: nobody needs it, and it works until it is burnt; tkn quay offboard ends all of it"}
	checkKeylessOthers = checkKind{"other-robots", "no other robot of the team holds a right", SymptomLeaked, "run rotate, which ends it"}
)

func (k checkKind) with(status Status, detail string) Check {
	c := Check{ID: k.id, Title: k.title, Status: status, Detail: detail, Symptom: k.symptom}
	if status == Failed {
		c.Next = k.next
	}
	return c
}
