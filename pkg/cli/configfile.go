package cli

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	corev1 "k8s.io/api/core/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/comptech-lab/quay-push/pkg/config"
)

// maxConfigFile is the largest --config that is read, in bytes: that of an object in the cluster.
const maxConfigFile = 1 << 20

// readConfigMap reads a file with one ConfigMap and nothing else: names that were meant and not read would be the built-in ones, of
// another registry.
func readConfigMap(path string) (*corev1.ConfigMap, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, usagef("give --config a file with ConfigMap config-tenancy", "reading --config: %v", err)
	}
	defer file.Close()
	documents, err := splitYAML(io.LimitReader(file, maxConfigFile))
	if err != nil {
		return nil, usagef("give --config a file with ConfigMap config-tenancy", "reading --config %q: %v", path, err)
	}
	if len(documents) != 1 {
		return nil, usagef("leave ConfigMap config-tenancy alone in it", "--config %q has %d documents, want one", path, len(documents))
	}
	from := &corev1.ConfigMap{}
	if err := yaml.UnmarshalStrict(documents[0], from); err != nil {
		return nil, usagef("kubectl get configmap config-tenancy --namespace "+systemNamespace+" --output yaml writes one", "reading --config %q: %v", path, err)
	}
	if from.Kind != "ConfigMap" || from.APIVersion != "v1" {
		return nil, usagef("kubectl get configmap config-tenancy --namespace "+systemNamespace+" --output yaml writes one",
			"--config %q has %s %s, want v1 ConfigMap", path, orNone(from.APIVersion), orNone(from.Kind))
	}
	// Names that were written by hand need no name of their own.
	if from.Name != "" && from.Name != config.Name {
		return nil, usagef("kubectl get configmap config-tenancy --namespace "+systemNamespace+" --output yaml writes the one that is meant",
			"--config %q has another ConfigMap, %q", path, from.Name)
	}
	return from, nil
}

// splitYAML returns the documents of a YAML file that have something in them.
func splitYAML(in io.Reader) (documents [][]byte, err error) {
	reader := utilyaml.NewYAMLReader(bufio.NewReader(in))
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return documents, nil
		} else if err != nil {
			return nil, err
		}
		var content any
		if err := yaml.Unmarshal(document, &content); err != nil {
			return nil, fmt.Errorf("document %d: %w", len(documents)+1, err)
		}
		if content != nil {
			documents = append(documents, bytes.Clone(document))
		}
	}
}
