package stage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// pushImage puts an image into the registry that nodes pull from, as its repository name, and returns its reference by digest as nodes and
// this process take it.
func pushImage(ctx context.Context, image v1.Image, repository string) (string, error) {
	digest, err := image.Digest()
	if err != nil {
		return "", err
	}
	reference, err := name.NewDigest(os.Getenv("KO_DOCKER_REPO") + "/" + repository + "@" + digest.String())
	if err != nil {
		return "", err
	}
	if err := remote.Write(reference, image, remote.WithContext(ctx)); err != nil {
		return "", fmt.Errorf("pushing %q: %w", reference, err)
	}
	return reference.String(), nil
}

// PushBundle puts a Tekton bundle into the registry that nodes pull from, and returns its reference by digest as Tekton's resolvers take it.
// They are Pods: what is localhost for a node is that node's address for them.
func (s *Stage) PushBundle(ctx context.Context, bundle v1.Image, repository string) (string, error) {
	reference, err := pushImage(ctx, bundle, repository)
	if err != nil {
		return "", err
	}
	rest, local := strings.CutPrefix(reference, "localhost:")
	if !local {
		return reference, nil
	}
	nodes, err := s.Kube.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return "", err
	}
	for _, node := range nodes.Items {
		for _, address := range node.Status.Addresses {
			if address.Type == corev1.NodeInternalIP {
				return address.Address + ":" + rest, nil
			}
		}
	}
	return "", errors.New("looking for a node's address: no node has one")
}
