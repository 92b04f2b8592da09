// Package pipelines installs Tekton Pipelines from its Go module: images built by ko, manifests from its config directory.
package pipelines

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// module is Tekton's, at the version in go.mod.
const module = "github.com/tektoncd/pipeline"

// deployments are Tekton's programs, by namespace.
var deployments = map[string][]string{
	"tekton-pipelines":           {"tekton-pipelines-controller", "tekton-pipelines-webhook", "tekton-events-controller"},
	"tekton-pipelines-resolvers": {"tekton-pipelines-remote-resolvers"},
}

// Install makes sure that Tekton runs in the cluster of $KUBECONFIG, and tells w what it does for that. Where it runs
// already nothing is changed. Images go to $KO_DOCKER_REPO, on the base that $KO_DEFAULTBASEIMAGE names.
// It runs go, ko and kubectl, which are on the PATH.
func Install(ctx context.Context, w io.Writer) error {
	if available(ctx, 0) == nil {
		return nil
	}
	if os.Getenv("KO_DOCKER_REPO") == "" {
		return errors.New("installing Tekton: KO_DOCKER_REPO is not set: set it to a registry that the cluster can pull from")
	}
	began := time.Now()
	tell := func(format string, args ...any) {
		fmt.Fprintf(w, "%6.1fs  %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
	}
	manifests, err := resolve(ctx, tell)
	if err != nil {
		return err
	}
	tell("Tekton's images are built")
	first, rest, err := split(manifests)
	if err != nil {
		return err
	}
	if err := apply(ctx, first); err != nil {
		return err
	}
	if err := established(ctx, time.Minute); err != nil {
		return err
	}
	if err := apply(ctx, rest); err != nil {
		return err
	}
	tell("Tekton's manifests are applied")
	if err := available(ctx, 5*time.Minute); err != nil {
		return err
	}
	tell("Tekton is available")
	return nil
}

// apply applies manifests on the server's side: the CRDs are larger than the annotation of the client's.
func apply(ctx context.Context, manifests []byte) error {
	_, err := run(ctx, bytes.NewReader(manifests), "kubectl", "apply", "--server-side", "--force-conflicts", "--filename=-")
	return err
}

// established waits until the API server serves Tekton's CRDs. kubectl wait is asked again: it fails at once on a CRD whose
// conditions are still null, as they are in its first milliseconds.
func established(ctx context.Context, wait time.Duration) error {
	for deadline := time.Now().Add(wait); ; {
		_, err := run(ctx, nil, "kubectl", "wait", "--for=condition=Established", "crd", "--selector=app.kubernetes.io/part-of=tekton-pipelines", "--timeout="+wait.String())
		if err == nil || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// available waits until all of Tekton's deployments are; with no time to wait it only looks.
func available(ctx context.Context, wait time.Duration) error {
	for namespace, names := range deployments {
		args := []string{"wait", "--for=condition=Available", "--namespace=" + namespace, "--timeout=" + wait.String()}
		for _, name := range names {
			args = append(args, "deployment/"+name)
		}
		if _, err := run(ctx, nil, "kubectl", args...); err != nil {
			return fmt.Errorf("%w\nto see why: kubectl describe pods --namespace=%s", err, namespace)
		}
	}
	return nil
}
