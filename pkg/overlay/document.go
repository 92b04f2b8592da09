package overlay

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// maxSize is the largest file that is read, in bytes; real kustomizations have a few KiB.
const maxSize = 1 << 20

// document is a kustomization's bytes, and the nodes that were read from them.
type document struct {
	data []byte
	root *yaml.Node // a mapping
}

// parse reads a kustomization. It takes less than YAML does: what two readers could understand differently is refused.
func parse(data []byte) (*document, error) {
	if len(data) > maxSize {
		return nil, refuse(ReasonTooLarge, "keep what is not the overlay's out of it", "the kustomization has more than %d bytes", maxSize)
	}
	if marks(data) > maxNodes {
		return nil, refuse(ReasonTooLarge, "keep what is not the overlay's out of it", "the kustomization has more than %d YAML nodes", maxNodes)
	}
	invalid := func(err error) error {
		return refuse(ReasonYAML, "correct the YAML there", "the kustomization is not YAML: %v", err)
	}
	if !utf8.Valid(data) {
		return nil, refuse(ReasonYAML, "save it as UTF-8", "the kustomization is not UTF-8")
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var first, second yaml.Node
	if err := decoder.Decode(&first); err != nil {
		return nil, invalid(err)
	}
	switch err := decoder.Decode(&second); {
	case err == nil:
		return nil, refuse(ReasonMultiDocument, "keep one document, kustomize reads no other", "the kustomization has several documents")
	case !errors.Is(err, io.EOF):
		return nil, invalid(err)
	}
	if len(first.Content) != 1 || first.Content[0].Kind != yaml.MappingNode {
		return nil, refuse(ReasonYAML, "write resources and images, as docs/overlay.md has them", "the kustomization is not a mapping")
	}
	root := first.Content[0]
	return &document{data, root}, checkKeys(root)
}

// checkKeys refuses a mapping that has a key twice, of which each reader takes another one.
func checkKeys(n *yaml.Node) error {
	if n.Kind == yaml.MappingNode {
		seen := map[string]bool{}
		for i := 0; i < len(n.Content); i += 2 {
			key := n.Content[i]
			if key.Kind == yaml.ScalarNode && seen[key.Value] {
				return refuse(ReasonDuplicateKey, "keep one of the two", "line %d has the key %q again", key.Line, key.Value)
			}
			seen[key.Value] = seen[key.Value] || key.Kind == yaml.ScalarNode
		}
	}
	for _, child := range n.Content {
		if err := checkKeys(child); err != nil {
			return err
		}
	}
	return nil
}

// flatten lists what the nodes say, without how it is written.
func flatten(n *yaml.Node) []string {
	said := []string{string(rune('0' + n.Kind)), n.ShortTag(), n.Anchor, n.Value}
	for _, child := range n.Content {
		said = append(said, flatten(child)...)
	}
	return said
}

// same reports whether two documents say the same.
func same(a, b *yaml.Node) bool { return slices.Equal(flatten(a), flatten(b)) }
