package overlay_test

import (
	"errors"
	"fmt"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/overlay"
)

// CI writes one scalar, and every other byte stays as it is.
func ExamplePin_Apply() {
	pin, err := overlay.ParsePin(`{"name":"quay.example.com/team-payments/checkout","newName":"quay.example.com/team-payments/checkout",` +
		`"digest":"sha256:` + strings.Repeat("a", 64) + `"}`)
	if err != nil {
		fmt.Println(err)
		return
	}
	after, err := pin.Apply([]byte(`resources: [../../base] # as it was
images:
  - name: quay.example.com/team-payments/checkout
    digest: sha256:REPLACED_BY_CI # CI's
`))
	fmt.Print(string(after))
	fmt.Println(err)
	// Output:
	// resources: [../../base] # as it was
	// images:
	//   - name: quay.example.com/team-payments/checkout
	//     digest: sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa # CI's
	// <nil>
}

// A kustomization in which the digest would have no effect is refused.
func ExamplePin_Apply_refusal() {
	pin := overlay.Pin{Image: "quay.example.com/team-payments/checkout", Digest: "sha256:" + strings.Repeat("a", 64)}
	_, err := pin.Apply([]byte(`images:
  - name: quay.example.com/team-payments/checkout
    newTag: v1
    digest: sha256:REPLACED_BY_CI
`))
	refusal := (*overlay.Refusal)(nil)
	if errors.As(err, &refusal) {
		fmt.Println(refusal.Reason)
		fmt.Println(refusal.Problem)
		fmt.Println(refusal.Next)
	}
	// Output:
	// new-tag
	// line 2: the item has both digest and newTag
	// remove newTag
}

// An overlay is where the contract has it.
func ExampleOverlay_Path() {
	fmt.Println(overlay.Overlay{Team: "payments", App: "checkout", Env: "dev"}.Path())
	// Output: apps/payments/checkout/overlays/dev/kustomization.yaml
}
