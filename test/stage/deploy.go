package stage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// pullSecret is the Secret that the app's Deployment names.
const pullSecret = "quay-pull"

// Deploy does Argo CD's part: it brings the tenant's namespace what a directory of the app has at commit, and waits until the app is up.
// The node pulls its image from Quay, with the team's pull Secret. Only test/cluster's can: elsewhere the error is errors.ErrUnsupported.
func (s *Stage) Deploy(ctx context.Context, t Tenant, r *Repository, commit, dir string) error {
	if err := s.trustQuay(); err != nil {
		return err
	}
	if err := s.PutSecret(ctx, t, pullSecret, corev1.SecretTypeDockerConfigJson, s.Quay.PullConfig("team-"+t.Team)); err != nil {
		return err
	}
	resources, err := r.build(ctx, commit, dir)
	if err != nil {
		return err
	}
	manifest, err := resources.AsYaml()
	if err != nil {
		return err
	}
	if err := s.kubectl(ctx, strings.NewReader(string(manifest)), "apply", "--filename=-", "--namespace="+t.Namespace); err != nil {
		return err
	}
	return s.kubectl(ctx, nil, "rollout", "status", "deployment/"+t.App, "--namespace="+t.Namespace, "--timeout=120s")
}

// Undeploy takes away what Deploy brought.
func (s *Stage) Undeploy(ctx context.Context, t Tenant) error {
	return s.kubectl(ctx, nil, "delete", "deployment/"+t.App, "secret/"+pullSecret, "--namespace="+t.Namespace, "--ignore-not-found", "--timeout=120s")
}

// trustQuay gives the node Quay's certificate authority, as OpenShift does with what image.config.openshift.io names: containerd looks for it
// beside the settings of its registries.
func (s *Stage) trustQuay() error {
	hosts := filepath.Join(filepath.Dir(os.Getenv("KUBECONFIG")), "settings", "hosts")
	if _, err := os.Stat(hosts); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("having the nodes trust %q: %w", s.Quay.Host, errors.ErrUnsupported)
	}
	dir := filepath.Join(hosts, s.Quay.Host)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "ca.crt"), s.Quay.CA, 0o644)
}

// Page returns what the tenant's app answers, and the image that the kubelet says it runs.
func (s *Stage) Page(ctx context.Context, t Tenant) (page, image string, err error) {
	pod, err := s.running(ctx, t.Namespace, t.App)
	if err != nil {
		return "", "", err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	address, err := s.ForwardPod(ctx, t.Namespace, pod.Name, 8080)
	if err != nil {
		return "", "", err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/", nil)
	if err != nil {
		return "", "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", "", err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("asking %q: %s", t.App, response.Status)
	}
	return string(content), pod.Status.ContainerStatuses[0].ImageID, err
}
