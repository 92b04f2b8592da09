package robot

import (
	"fmt"
	"strings"
)

// notReady are the next steps for what keeps an ExternalSecret from being ready, by the words of External Secrets v0.20.4 in its condition
// (pkg/controllers/externalsecret) and in its Events, which have Vault's (hashicorp/vault-plugin-auth-kubernetes, path_login.go). The first
// that is in there counts.
var notReady = []struct{ words, next string }{
	{"has not looked at it yet", "see that External Secrets runs, and that there is the SecretStore that the ExternalSecret names, as tkn quay onboard platform prints it"},
	{"target is immutable", nextImmutable},
	{"owned by another ExternalSecret", "see which ExternalSecret owns the Secret, in its ownerReferences, and delete that one: a Secret has one owner"},
	{"could not get SecretStore", "apply the SecretStore that tkn quay onboard platform prints"},
	{"is not ready", "see the conditions of the SecretStore that the ExternalSecret names: kubectl describe secretstore"},
	{"invalid role", "write the Vault role as tkn quay onboard platform prints it"},
	{"namespace not authorized", "add the ExternalSecret's namespace to bound_service_account_namespaces of the Vault role, as tkn quay onboard platform prints it"},
	{"service account name not authorized", "have bound_service_account_names of the Vault role as tkn quay onboard platform prints them"},
	{"invalid audience", "have the audience of the Vault role be that of the SecretStore: tkn quay onboard platform prints both"},
	{"permission denied", nextVaultRole},
}

// nextVaultRole is the next step where Vault refuses and nothing says why.
const nextVaultRole = "see the Vault role: its policy needs secret/data/apps/+/+/ci/quay-robot, for * matches only at the end, and its bound namespaces the ExternalSecret's"

// why is what External Secrets says of an ExternalSecret that is not ready.
func (e ExternalSecret) why() string {
	text := fmt.Sprintf("%s %q", e.Reason, e.Message)
	if e.Warning != "" {
		text += fmt.Sprintf(", its last warning is %q", e.Warning)
	}
	return text
}

// next is the next step for an ExternalSecret that is not ready.
func (e ExternalSecret) next() string {
	for _, known := range notReady {
		if strings.Contains(e.Message+" "+e.Warning, known.words) {
			return known.next
		}
	}
	if e.Warning != "" {
		return "mend what its last warning names"
	}
	return "see its Events: kubectl describe externalsecret"
}
