package cli

import (
	"io"
	"slices"

	"github.com/comptech-lab/quay-push/pkg/robot"
)

// health is how a look of doctor went.
type health string

// The healths.
const (
	healthy health = "ok"
	// warning: it works, and something may become wrong.
	warning health = "warning"
	sick    health = "failed"
	// unknown: it could not be looked at, see the detail.
	unknown health = "unknown"
)

// symptomOf is what people see when a look of doctor is not ok: a row of docs/failure-modes.md, where there is one.
var symptomOf = map[string]robot.Symptom{
	"vault-role": robot.SymptomNotReady, "external-secrets": robot.SymptomNotReady, "quay-hostname": robot.SymptomUnauthorized,
	"guards": robot.SymptomShared, "external-secret-policy": robot.SymptomShared, "everybody-uses": robot.SymptomShared, "everybody-reads": robot.SymptomLeaked, "issuer": robot.SymptomUnauthorized, "issuer-published": robot.SymptomUnauthorized, "keyless-accounts": robot.SymptomLeaked,
}

// Looks of which several functions speak.
const (
	lookVaultToken = "vault-token"
	lookVaultRole  = "vault-role"
	lookAnchors    = "quay-anchors"
	lookAutoPrune  = "quay-auto-prune"

	lookTimeMachine = "quay-time-machine"
)

// sharedLooks are those at each shared namespace besides the one at its guards; quayLooks those at what Quay tells; keylessLooks those that keyless teams need; tenantLooks those that need a tenant.
var (
	sharedLooks  = []string{"guarded-label", "pod-security", "run-account", "shared-accounts", "tekton-apart", "old-runs", "quota"}
	quayLooks    = []string{"quay-version", "quay-state", "quay-hostname", lookAnchors, lookAutoPrune, lookTimeMachine, "quay-superusers"}
	keylessLooks = []string{"issuer", "issuer-published", "keyless-accounts"}
	tenantLooks  = []string{"controller-reads-secret", "everybody-reads", "everybody-uses"}
)

// looks are all looks, in the order in which they are printed.
var looks = slices.Concat([]string{"tenants", "controller", "tekton", "task", "external-secrets", "guards"}, sharedLooks,
	[]string{"external-secret-policy", "controller-lists-secrets", "controller-creates-taskruns"}, tenantLooks,
	[]string{lookReceiptKey, "quay"}, quayLooks, []string{"quay-token", lookTokenAge}, keylessLooks, []string{lookVaultToken, lookVaultRole, "clocks"})

// look is one finding of doctor.
type look struct {
	// ID is its name, which stays the same from one version to the next.
	ID     string `json:"id"`
	Health health `json:"health"`
	Detail string `json:"detail"`
	// Next is the next step, Symptom what people see; where it is not ok.
	Next    string        `json:"next,omitempty"`
	Symptom robot.Symptom `json:"symptom,omitempty"`
}

// diagnosis is the result of doctor.
type diagnosis struct {
	head
	Looks []look `json:"looks"`
}

func (d diagnosis) write(w io.Writer) error {
	rows := [][]string{}
	for _, l := range d.Looks {
		detail := l.Detail
		if l.Next != "" {
			detail += "; " + l.Next
		}
		rows = append(rows, []string{l.ID, string(l.Health), detail})
	}
	return table(w, []string{"LOOK", "HEALTH", "FOUND"}, rows)
}

// sick counts what is wrong.
func (d diagnosis) sick() (n int) {
	for _, l := range d.Looks {
		if l.Health == sick {
			n++
		}
	}
	return n
}
