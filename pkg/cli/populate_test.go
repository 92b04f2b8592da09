package cli_test

import (
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/externalsecret"
	"github.com/comptech-lab/quay-push/pkg/onboard"
	"github.com/comptech-lab/quay-push/pkg/reference"
	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/tenant"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// populate has n tenants as onboard leaves them.
func (w *world) populate(n int) {
	w.Helper()
	convention := tenant.Default()
	convention.Registry = w.quay.Host()
	v := &memoryVault{w: w}
	for i := range n {
		team := fmt.Sprint("t", i)
		names, err := robot.NewTenant(convention, team, "division", team)
		if err != nil {
			w.Fatal(err)
		}
		w.quay.AddOrganization(names.Organization)
		w.quay.AddImmutability(names.Organization, reference.AnchorPattern, true)
		w.quay.AddRepository(names.Organization, "app")
		token := w.quay.AddRobot(names.Organization, "ci")
		w.quay.Grant(names.Organization+"/app", names.Organization+"+ci", quaytest.Write)
		w.quay.SetDefaultPermission(names.Organization, names.Organization+"+ci", quaytest.Write)
		if _, err := v.Write(w.Context(), names.VaultPath, vault.Data{"username": secret.New(names.Organization + "+ci"), "token": secret.New(token)}, 0); err != nil {
			w.Fatal(err)
		}
		for _, m := range (onboard.Team{Convention: convention, Tenant: names}).Manifests() {
			if m.Name != "external-secret.yaml" {
				continue
			}
			// As it comes over the wire.
			data, err := json.Marshal(m.Objects[0])
			if err != nil {
				w.Fatal(err)
			}
			object := &unstructured.Unstructured{}
			if err := object.UnmarshalJSON(data); err != nil {
				w.Fatal(err)
			}
			if err := w.dynamic.Tracker().Create(externalsecret.Resource, object, names.Namespace); err != nil {
				w.Fatal(err)
			}
		}
	}
	w.sync()
}
