// Package stage sets up what the demo and the e2e tests play on: a cluster with Tekton and quay-push, a Quay, a Git server, two
// tenants.
package stage

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	tekton "github.com/tektoncd/pipeline/pkg/client/clientset/versioned"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// SharedNamespace holds the shared Task, and is where runs name their team by label.
const SharedNamespace = "openshift-pipelines"

// Stage is a cluster that is ready to run pipelines. It is safe for concurrent use.
type Stage struct {
	Config *rest.Config
	Kube   kubernetes.Interface
	Tekton tekton.Interface
	// Quay is the registry that the cluster hosts.
	Quay *Quay
	// Git is the Git server that the cluster hosts.
	Git *Git
	// life ends with the stage.
	life context.Context
	// root is the repository's top directory.
	root string
	log  io.Writer
}

// Open brings the cluster of $KUBECONFIG to the state that the tests need: what is there already is kept. Progress goes
// to log. It calls kubectl and ko, which pushes to $KO_DOCKER_REPO. What it leads here from the cluster ends with ctx.
func Open(ctx context.Context, root string, log io.Writer) (*Stage, error) {
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		return nil, fmt.Errorf("reading KUBECONFIG: %w", err)
	}
	config.QPS, config.Burst = 50, 100
	s := &Stage{Config: config, life: ctx, root: root, log: log}
	if s.Kube, err = kubernetes.NewForConfig(config); err != nil {
		return nil, err
	}
	if s.Tekton, err = tekton.NewForConfig(config); err != nil {
		return nil, err
	}
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"Quay (quaytest) in namespace " + quayNamespace, s.openQuay},
		{"Git (gitserver) in namespace " + gitNamespace, s.openGit},
		{"quay-push: ko apply -f config/", s.openController},
		{"tenants payments and platform", s.openTenants},
	} {
		start := time.Now()
		if err := step.do(ctx); err != nil {
			return nil, fmt.Errorf("setting up %s: %w", step.name, err)
		}
		fmt.Fprintf(log, "  ready after %3.0fs: %s\n", time.Since(start).Seconds(), step.name)
	}
	return s, nil
}

// Install brings Quay, the controller, its configuration and the tenants back, as Open does. A Quay that is gone comes with the tokens and the
// certificate that it had, and without images.
func (s *Stage) Install(ctx context.Context) error {
	if err := s.openQuay(ctx); err != nil {
		return err
	}
	if err := s.openController(ctx); err != nil {
		return err
	}
	return s.openTenants(ctx)
}

// openController installs what a platform team installs, and points it at the stage's Quay.
func (s *Stage) openController(ctx context.Context) error {
	if err := s.koApply(ctx, "config/"); err != nil {
		return err
	}
	patch := fmt.Sprintf(`{"data":{"registry":%q,"git-hosts":%q}}`, s.Quay.Host, gitHost)
	if err := s.kubectl(ctx, nil, "patch", "configmap", "config-tenancy", "--namespace=quay-push", "--patch="+patch); err != nil {
		return err
	}
	return s.kubectl(ctx, nil, "rollout", "status", "deployment/controller", "--namespace=quay-push", "--timeout=180s")
}

// koApply does what a user does: ko apply -f path.
func (s *Stage) koApply(ctx context.Context, path string, args ...string) error {
	args = append([]string{"apply", "--platform=linux/" + runtime.GOARCH, "--filename=" + path}, args...)
	return s.run(ctx, nil, "ko", args...)
}

// Image builds the image of the Go program in a directory of the repository, and returns its reference.
func (s *Stage) Image(ctx context.Context, dir string) (string, error) {
	cmd := exec.CommandContext(ctx, "ko", "build", "--platform=linux/"+runtime.GOARCH, dir)
	cmd.Dir = s.root
	image, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("building the image of %q: %w", dir, err)
	}
	return strings.TrimSpace(string(image)), nil
}

// kubectl runs kubectl with input, if there is any, as its standard input.
func (s *Stage) kubectl(ctx context.Context, input io.Reader, args ...string) error {
	return s.run(ctx, input, "kubectl", args...)
}

func (s *Stage) run(ctx context.Context, input io.Reader, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Stdin = s.root, input
	return run(cmd)
}

// run runs a command; the error has what it printed.
func run(cmd *exec.Cmd) error {
	output, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("running %s: %w\n%s", strings.Join(cmd.Args, " "), err, output)
	}
	return nil
}
