package main

import (
	"os"
	"strings"
	"testing"

	operatorsv1 "github.com/operator-framework/api/pkg/operators/v1"
	"github.com/operator-framework/api/pkg/operators/v1alpha1"
	"sigs.k8s.io/yaml"

	"github.com/comptech-lab/quay-push/release/olm"
)

// The page shows objects that OLM takes: no field is unknown, and they ask for the package, the channel and the namespaces of the bundle.
func TestPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/openshift.md")
	if err != nil {
		t.Fatal(err)
	}
	var group operatorsv1.OperatorGroup
	var subscription v1alpha1.Subscription
	for _, block := range strings.Split(string(page), "```yaml\n")[1:] {
		text, _, _ := strings.Cut(block, "```")
		for document := range strings.SplitSeq(text, "\n---\n") {
			switch {
			case strings.Contains(document, "kind: OperatorGroup\n"):
				err = yaml.UnmarshalStrict([]byte(document), &group)
			case strings.Contains(document, "kind: Subscription\n"):
				err = yaml.UnmarshalStrict([]byte(document), &subscription)
			}
			if err != nil {
				t.Fatalf("%v in\n%s", err, document)
			}
		}
	}
	if group.Namespace != "quay-push" || len(group.Spec.TargetNamespaces) > 0 || group.Spec.Selector != nil {
		t.Errorf("%+v is not for all namespaces", group)
	}
	if s := subscription.Spec; subscription.Namespace != "quay-push" || s == nil || s.Package != olm.Name || s.Channel != "stable" || len(s.Config.VolumeMounts) != 1 {
		t.Errorf("%+v", subscription)
	}
}
