package robot_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/robot"
)

// The condition is nearly always the same: what to do follows from the Event, which e2e shows of the real External Secrets and Vault.
func TestVerifySaysWhyAnExternalSecretIsNotReady(t *testing.T) {
	const provider = "could not get secret data from provider"
	for warning, test := range map[string]struct{ message, next string }{
		"Code: 403. Errors: * permission denied":                          {provider, "its policy needs secret/data/apps/+/+/ci/quay-robot"},
		"Code: 403. Errors: * namespace not authorized":                   {provider, "add the ExternalSecret's namespace to bound_service_account_namespaces"},
		"Code: 403. Errors: * service account name not authorized":        {provider, "bound_service_account_names"},
		"Code: 400. Errors: * invalid role name \"pipelines-vault-apps\"": {provider, "write the Vault role"},
		"could not get SecretStore \"pipelines-vault-apps\", not found":   {provider, "apply the SecretStore"},
		"SecretStore \"pipelines-vault-apps\" is not ready":               {provider, "see the conditions of the SecretStore"},
		"secret is immutable":                       {"could not update secret, target is immutable", "delete the Secret"},
		"secret is owned by another ExternalSecret": {"target is owned by another ExternalSecret", "in its ownerReferences"},
		"dial tcp: no such host":                    {provider, "mend what its last warning names"},
		"":                                          {provider, "see its Events"},
	} {
		w := newWorld(t).withPlatform()
		w.onboard()
		e := w.external[w.Secret]
		e.Ready, e.Reason, e.Message, e.Warning = false, "SecretSyncedError", test.message, warning
		w.external[w.Secret] = e
		report := w.verify()
		i := slices.IndexFunc(report.Checks, func(c robot.Check) bool { return c.ID == "external-secret" })
		c := report.Checks[i]
		const again = "kubectl annotate externalsecret quay-robot-team-payments --namespace "
		if c.Status != robot.Failed || !strings.Contains(c.Detail, test.message) || !strings.Contains(c.Detail, strings.Trim(strconv.Quote(warning), `"`)) || !strings.Contains(c.Next, test.next) ||
			!strings.Contains(c.Next, again) {
			t.Errorf("%q: %+v, want the next step %q", warning, c, test.next)
		}
		// A ready one has no next step, whatever was before.
		e.Ready = true
		w.external[w.Secret] = e
		if c := w.verify().Checks[i]; c.Status != robot.Passed || c.Next != "" {
			t.Errorf("%q, when it is ready: %+v", warning, c)
		}
	}
}
