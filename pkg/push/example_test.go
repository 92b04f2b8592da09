package push_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/comptech-lab/quay-push/pkg/push"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// An error is of a class, which has one exit code, and says what to do next.
func ExamplePush() {
	_, err := push.Push(context.Background(), push.Options{Source: "oci:/workspace/source/image", ImageRef: "team-payments/checkout"})
	failed := (*failure.Error)(nil)
	if errors.As(err, &failed) {
		fmt.Println(failed.Class.Name, failure.ExitCode(err))
		fmt.Println(failed.Problem)
	}
	// Output:
	// usage 2
	// --image-ref "team-payments/checkout" does not start with a registry host: host/organization/name
}
