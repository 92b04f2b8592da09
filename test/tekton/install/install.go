// Package install applies the manifests of a program that is built from its Go module, onto the cluster of $KUBECONFIG.
package install

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// Program is what is installed.
type Program struct {
	// Name is how people call it, CRDs the label selector of its CustomResourceDefinitions.
	Name, CRDs string
	// Deployments are its own, by namespace.
	Deployments map[string][]string
	// Resolve returns its manifests, with images in $KO_DOCKER_REPO that it has ko build.
	Resolve func(ctx context.Context) ([]byte, error)
}

// Install makes sure that the program runs, and tells w what it does for that. Where it runs already nothing is changed. Images go to
// $KO_DOCKER_REPO, on the base that $KO_DEFAULTBASEIMAGE names. It runs go, ko and kubectl, which are on the PATH.
func (p Program) Install(ctx context.Context, w io.Writer) error {
	if p.available(ctx, 0) == nil {
		return nil
	}
	if os.Getenv("KO_DOCKER_REPO") == "" {
		return fmt.Errorf("installing %s: KO_DOCKER_REPO is not set: set it to a registry that the cluster can pull from", p.Name)
	}
	began := time.Now()
	tell := func(format string, args ...any) {
		fmt.Fprintf(w, "%6.1fs  %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
	}
	manifests, err := p.build(ctx, tell)
	if err != nil {
		return err
	}
	tell("the images of %s are built", p.Name)
	first, rest, err := Split(manifests)
	if err != nil {
		return err
	}
	if err := apply(ctx, first); err != nil {
		return err
	}
	if err := p.established(ctx, time.Minute); err != nil {
		return err
	}
	if err := apply(ctx, rest); err != nil {
		return err
	}
	tell("the manifests of %s are applied", p.Name)
	if err := p.available(ctx, 5*time.Minute); err != nil {
		return err
	}
	tell("%s is available", p.Name)
	return nil
}

// build resolves the manifests, and says every ten seconds that something is going on: the first build takes minutes.
func (p Program) build(ctx context.Context, tell func(string, ...any)) ([]byte, error) {
	var telling sync.WaitGroup
	defer telling.Wait() // tell is of one at a time.
	built, stop := context.WithCancel(ctx)
	defer stop()
	telling.Go(func() {
		for tick := time.NewTicker(10 * time.Second); ; {
			tell("building the images of %s", p.Name)
			select {
			case <-built.Done():
				tick.Stop()
				return
			case <-tick.C:
			}
		}
	})
	return p.Resolve(ctx)
}

// apply applies manifests on the server's side: CRDs are larger than the annotation of the client's.
func apply(ctx context.Context, manifests []byte) error {
	_, err := Run(ctx, "", bytes.NewReader(manifests), "kubectl", "apply", "--server-side", "--force-conflicts", "--filename=-")
	return err
}

// established waits until the API server serves the CRDs. kubectl wait is asked again: it fails at once on a CRD whose conditions are
// still null, as they are in its first milliseconds.
func (p Program) established(ctx context.Context, wait time.Duration) error {
	for deadline := time.Now().Add(wait); ; {
		_, err := Run(ctx, "", nil, "kubectl", "wait", "--for=condition=Established", "crd", "--selector="+p.CRDs, "--timeout="+wait.String())
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

// available waits until all deployments are; with no time to wait it only looks.
func (p Program) available(ctx context.Context, wait time.Duration) error {
	for namespace, names := range p.Deployments {
		args := []string{"wait", "--for=condition=Available", "--namespace=" + namespace, "--timeout=" + wait.String()}
		for _, name := range names {
			args = append(args, "deployment/"+name)
		}
		if _, err := Run(ctx, "", nil, "kubectl", args...); err != nil {
			return fmt.Errorf("%w\n%s\nto see more: kubectl describe pods --namespace=%s", err, reasons(ctx, namespace), namespace)
		}
	}
	return nil
}

// reasons are the Pods of a namespace and what the cluster warned of, newest last: what a log of CI must have, since nobody can ask
// that cluster any more.
func reasons(ctx context.Context, namespace string) string {
	var told []string
	for _, args := range [][]string{
		{"get", "pods", "--output=wide"},
		{"get", "events", "--field-selector=type=Warning", "--sort-by=.lastTimestamp", "--output=custom-columns=:.involvedObject.name,:.reason,:.message"},
	} {
		output, err := Run(ctx, "", nil, "kubectl", append(args, "--namespace="+namespace)...)
		if err != nil {
			output = []byte(err.Error())
		}
		told = append(told, strings.TrimSpace(string(output)))
	}
	return strings.Join(told, "\n")
}
