package cli_test

import (
	"context"
	"fmt"
	"io"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// log has each container say one line.
func (w *world) log(_ context.Context, _, pod string, options *corev1.PodLogOptions) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(fmt.Sprintf("2026-11-29T12:00:00Z %s of %s\n", options.Container, pod))), nil
}
