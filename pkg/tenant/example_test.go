package tenant_test

import (
	"errors"
	"fmt"

	"github.com/comptech-lab/quay-push/pkg/tenant"
)

// The label of the namespace names the team, and everything else follows from the team.
func ExampleConvention_Decide() {
	convention := tenant.Default()
	convention.Registry = "quay.example.com"
	decision, err := convention.Decide(tenant.Request{
		Name: "push", Namespace: "payments-ci", NamespaceLabels: map[string]string{"apps.platform/team": "team-payments"},
		Image: "quay.example.com/team-payments/checkout:v1",
	})
	fmt.Println(decision.Team, decision.Rule, err)
	fmt.Println(decision.Organization, decision.Robot(1), decision.Secret)
	// Output:
	// payments namespace-label <nil>
	// team-payments team-payments+ci quay-robot-team-payments
}

// What no rule allows is refused, with what would allow it.
func ExampleConvention_Decide_refusal() {
	convention := tenant.Default()
	convention.Registry = "quay.example.com"
	_, err := convention.Decide(tenant.Request{
		Name: "push", Namespace: "payments-ci", NamespaceLabels: map[string]string{"apps.platform/team": "payments"},
		Image: "quay.example.com/team-platform/base",
	})
	refusal := (*tenant.Refusal)(nil)
	if errors.As(err, &refusal) {
		fmt.Println(refusal.Reason)
		fmt.Println(refusal.Message)
		fmt.Println(refusal.Allow)
	}
	// Output:
	// ImageOutsideOrganization
	// image-ref "quay.example.com/team-platform/base" is not in the organization of team "payments"
	// team "payments" pushes to quay.example.com/team-payments/<name>
}

// A label may have the prefix, or not; a team has one name.
func ExampleConvention_ParseTeam() {
	convention := tenant.Default()
	for _, label := range []string{"payments", "team-payments", "team-team-payments"} {
		fmt.Println(convention.ParseTeam(label))
	}
	// Output:
	// payments <nil>
	// payments <nil>
	//  team "team-team-payments" carries the prefix "team-" twice
}
