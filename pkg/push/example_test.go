package push_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/comptech-lab/quay-push/pkg/push"
)

// An error is of a class, which has one exit code, and says what to do next.
func ExamplePush() {
	_, err := push.Push(context.Background(), push.Options{Source: "oci:/workspace/source/image", ImageRef: "team-payments/checkout"})
	failure := (*push.Error)(nil)
	if errors.As(err, &failure) {
		fmt.Println(failure.Class.Name, push.ExitCode(err))
		fmt.Println(failure.Problem)
	}
	// Output:
	// usage 2
	// --image-ref "team-payments/checkout" does not start with a registry host: host/organization/name
}
