package server

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"sigs.k8s.io/yaml"
)

// Install installs Tekton's CRDs, from its module, and the repository's config, but for the Deployment: namespace, RBAC,
// policies and ConfigMaps.
func (s *Server) Install(ctx context.Context, kubectl, root string) error {
	kubeconfig, err := s.WriteKubeconfig(Administrator, "127.0.0.1")
	if err != nil {
		return err
	}
	crds, err := definitions(ctx, root)
	if err != nil {
		return err
	}
	own, err := manifests(root)
	if err != nil {
		return err
	}
	deadline, stop := context.WithTimeout(ctx, 2*time.Minute)
	defer stop()
	run := func(stdin []byte, args ...string) error {
		command := exec.CommandContext(deadline, kubectl, append([]string{"--kubeconfig=" + kubeconfig}, args...)...)
		command.Args[0] = "kubectl"
		command.Stdin = bytes.NewReader(stdin)
		if output, err := command.CombinedOutput(); err != nil {
			return fmt.Errorf("running kubectl %s: %w\n%s", args[0], err, output)
		}
		return nil
	}
	if err := run(crds, "apply", "--server-side", "--filename=-"); err != nil {
		return err
	}
	// Asked again, since kubectl wait fails at once on a CRD whose conditions are still null.
	for run(nil, "wait", "--for=condition=Established", "crd", "--all", "--timeout=60s") != nil {
		if err := deadline.Err(); err != nil {
			return fmt.Errorf("waiting for the CRDs: %w", err)
		}
		time.Sleep(200 * time.Millisecond)
	}
	return run(own, "apply", "--server-side", "--filename=-")
}

// definitions are Tekton's CRDs without their conversion: its webhook does not run here, and what is stored is what is asked for.
func definitions(ctx context.Context, root string) ([]byte, error) {
	list := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/tektoncd/pipeline")
	list.Dir = root
	dir, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("looking for Tekton's module: %w", err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "config", "300-crds", "*.yaml"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("looking for CRDs in %q: %d found, %w", dir, len(files), err)
	}
	var all bytes.Buffer
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var crd map[string]any
		if err := yaml.Unmarshal(content, &crd); err != nil {
			return nil, fmt.Errorf("reading CRD %q: %w", file, err)
		}
		delete(crd["spec"].(map[string]any), "conversion")
		if content, err = yaml.Marshal(crd); err != nil {
			return nil, err
		}
		all.WriteString("---\n")
		all.Write(content)
	}
	return all.Bytes(), nil
}

// manifests are the files of config, in their order, but for the Deployment: the program runs as a process.
func manifests(root string) ([]byte, error) {
	files, err := filepath.Glob(filepath.Join(root, "config", "*.yaml"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("looking for manifests in %q: %d found, %w", root, len(files), err)
	}
	var all bytes.Buffer
	for _, file := range files {
		if strings.HasPrefix(filepath.Base(file), "500-") {
			continue
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		all.WriteString("---\n")
		all.Write(content)
		all.WriteString("\n")
	}
	return all.Bytes(), nil
}
