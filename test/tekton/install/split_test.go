package install

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

const manifests = `---
# A comment alone is no object.
---
apiVersion: v1
kind: ConfigMap
metadata: {name: one}
---
apiVersion: v1
kind: Namespace
metadata: {name: two}
---

kind: CustomResourceDefinition
metadata: {name: three}
---
kind: Deployment
metadata: {name: four}
spec:
  args: ["a---b", "--- c"]
`

func TestSplit(t *testing.T) {
	first, rest, err := Split([]byte(manifests))
	if err != nil {
		t.Fatal(err)
	}
	wantFirst := `
---

apiVersion: v1
kind: Namespace
metadata: {name: two}
---


kind: CustomResourceDefinition
metadata: {name: three}`
	wantRest := `
---

apiVersion: v1
kind: ConfigMap
metadata: {name: one}
---

kind: Deployment
metadata: {name: four}
spec:
  args: ["a---b", "--- c"]
`
	if diff := cmp.Diff(wantFirst, string(first)); diff != "" {
		t.Errorf("first (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(wantRest, string(rest)); diff != "" {
		t.Errorf("rest (-want +got):\n%s", diff)
	}
}

func TestSplitRefusesWhatIsNoYAML(t *testing.T) {
	if first, rest, err := Split([]byte("kind: [")); err == nil {
		t.Errorf("Split = %q, %q, want an error", first, rest)
	}
}
