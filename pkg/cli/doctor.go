package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/comptech-lab/quay-push/pkg/config"
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

// symptomOf is what people see when a look of doctor is not ok: a row of the seed's table, where there is one.
var symptomOf = map[string]robot.Symptom{
	"vault-role": robot.SymptomNotReady, "external-secrets": robot.SymptomNotReady, "quay-hostname": robot.SymptomUnauthorized,
	"guards": robot.SymptomShared, "external-secret-policy": robot.SymptomShared, "everybody-uses": robot.SymptomShared, "everybody-reads": robot.SymptomLeaked,
}

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

// doctor looks at an installation.
type doctor struct {
	*connection
	clients Clients
	config  *config.Config
	tenants []robot.Tenant
	found   diagnosis
}

// add adds a look that is ok or not.
func (d *doctor) add(id string, ok bool, next, format string, args ...any) {
	h := healthy
	if !ok {
		h = sick
	}
	d.addAs(h, id, next, format, args...)
}

func (d *doctor) addAs(h health, id, next, format string, args ...any) {
	l := look{ID: id, Health: h, Detail: fmt.Sprintf(format, args...)}
	if h != healthy {
		l.Next, l.Symptom = next, symptomOf[id]
	}
	d.found.Looks = append(d.found.Looks, l)
}

// cannot adds a look that could not be done.
func (d *doctor) cannot(id string, err error) { d.addAs(unknown, id, "", "%v", err) }

func (c *connection) newDoctor() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Look at the installation: versions, policies, rights, settings of Quay and Vault, clocks",
		Long: `Looks at what all tenants depend on, and changes nothing. What cannot be looked at is unknown, and no failure; docs/cli.md lists the
looks. Vault's policy is tested by logging in as External Secrets does and asking Vault what it may read.`,
		Example: "  tkn quay doctor\n  tkn quay doctor -o json",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			clients, err := c.cluster()
			if err != nil {
				return err
			}
			names, err := c.tenancy(cmd.Context())
			if err != nil {
				return err
			}
			d := &doctor{connection: c, clients: clients, config: names, found: diagnosis{head: newHead("Diagnosis")}}
			if d.tenants, err = (&cluster{clients, names}).tenants(cmd.Context()); err != nil {
				d.cannot("tenants", err)
			} else {
				d.add("tenants", true, "", "%d have an ExternalSecret", len(d.tenants))
			}
			for _, look := range []func(context.Context){d.lookAtController, d.lookAtTekton, d.lookAtExternalSecrets, d.lookAtPolicies, d.lookAtSharedNamespaces, d.lookAtRights,
				d.lookAtQuay, d.lookAtVault, d.lookAtClocks} {
				look(cmd.Context())
			}
			if err := c.print(d.found); err != nil || d.found.sick() == 0 {
				return err
			}
			return &failure{exit: ExitFindings, problem: fmt.Sprintf("%d of %d looks failed", d.found.sick(), len(d.found.Looks))}
		},
	}
	c.addQuayFlags(cmd)
	c.addVaultFlags(cmd)
	return cmd
}
