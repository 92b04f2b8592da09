package cli

import (
	"slices"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/robot"
)

// A repository may be written as people write it; one of another team's organization, or what Quay would refuse once the robot is made, is
// refused before.
func TestOwnRepositories(t *testing.T) {
	c := testCluster()
	c.config.Registry = "quay.example.com:8443"
	tenant, err := robot.TenantAt(c.config.Convention, "payments", "")
	if err != nil {
		t.Fatal(err)
	}
	for given, want := range map[string]string{
		"app":               "app",
		"team-payments/app": "app",
		"quay.example.com:8443/team-payments/app": "app",
		"group/app":               "group/app",
		"team-payments/group/app": "group/app",
		"my__app.x-y":             "my__app.x-y",
		"team-platform":           "team-platform",
	} {
		if got, err := c.ownRepositories(tenant, []string{"first", given}); err != nil || !slices.Equal(got, []string{"first", want}) {
			t.Errorf("%q: %q, %v", given, got, err)
		}
	}
	for given, want := range map[string]string{
		"team-platform/app":         "names the organization of another team",
		"team-payments/":            "is not the name",
		"app:v1":                    "is not the name",
		"app@sha256:00":             "is not the name",
		"App":                       "is not the name",
		"docker.io:443/library/app": "is not the name",
		"a//b":                      "is not the name",
		"../app":                    "is not the name",
		"":                          "is not the name",
	} {
		if got, err := c.ownRepositories(tenant, []string{given}); exitOf(t.Context(), err) != ExitUsage || !strings.Contains(err.Error(), want) || nextOf(err) == "" {
			t.Errorf("%q: %q, %v", given, got, err)
		}
	}
}
