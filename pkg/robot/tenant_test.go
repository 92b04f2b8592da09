package robot_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/tenant"
)

func TestNewTenant(t *testing.T) {
	want := robot.Tenant{Team: "payments", Division: "retail", App: "checkout-api",
		Names: tenant.Names{Registry: "quay.apps.sub.comptech-lab.com", Organization: "team-payments",
			RobotNames: []string{"team-payments+ci", "team-payments+ci-b"}, Secret: "quay-robot-team-payments"},
		VaultPath: "apps/retail/checkout-api/ci/quay-robot", Namespace: "openshift-pipelines"}
	for _, team := range []string{"payments", "team-payments"} {
		got, err := robot.NewTenant(convention(t), team, "retail", "checkout-api")
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("tenant (-want +got):\n%s%v", diff, err)
		}
	}
}

func TestNewTenantRefuses(t *testing.T) {
	underscore := convention(t)
	underscore.Organization = "team_<team>"
	for _, test := range []struct {
		convention          tenant.Convention
		team, division, app string
		text                string
	}{
		{convention(t), "Payments", "d", "a", "is not made of"},
		{convention(t), "team-team-x", "d", "a", "twice"},
		{convention(t), "x", "../sys", "a", `division "../sys"`},
		{convention(t), "x", "", "a", `division ""`},
		{convention(t), "x", "d", "a/b", `app "a/b"`},
		{convention(t), "x", "d", "+", `app "+"`},
		{convention(t), "x", "d", strings.Repeat("a", 64), "app"},
		{underscore, "x", "d", "a", "has an underscore"},
	} {
		if _, err := robot.NewTenant(test.convention, test.team, test.division, test.app); err == nil || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%q, %q, %q: error is %v, want %q", test.team, test.division, test.app, err, test.text)
		}
	}
}

func TestTenantAt(t *testing.T) {
	got, err := robot.TenantAt(convention(t), "team-payments", "apps/retail/refunds/ci/quay-robot")
	if err != nil || got.Team != "payments" || got.VaultPath != "apps/retail/refunds/ci/quay-robot" || got.App != "" || got.Secret != "quay-robot-team-payments" {
		t.Errorf("tenant is %+v, %v", got, err)
	}
	if _, err := robot.TenantAt(convention(t), "Payments", ""); err == nil {
		t.Error("no error for an impossible team")
	}
}
