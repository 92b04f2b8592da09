package overlay

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxNodes is how many YAML nodes one rendering may have, and a file once its aliases are written out, as kustomize does:
// without a limit, a few lines would need all the memory there is.
const maxNodes = 100_000

// checkExpansion refuses a file whose aliases, or those of YAML written out in it, such as a patch, expand too far. What is
// not YAML is left to kustomize.
func checkExpansion(name string, data []byte) error {
	if expanded(string(data), true) <= maxNodes {
		return nil
	}
	return refuse(ReasonTooLarge, "write it without so many aliases", "the aliases of %q expand to more than %d nodes", name, maxNodes)
}

// expanded counts the nodes of all documents of a text, and of those in its scalars if nested.
func expanded(text string, nested bool) int {
	if !strings.Contains(text, "*") || !strings.Contains(text, "&") {
		return 0
	}
	c := counter{sizes: map[*yaml.Node]int{}, nested: nested}
	total := 0
	for decoder := yaml.NewDecoder(bytes.NewReader([]byte(text))); ; {
		var document yaml.Node
		if decoder.Decode(&document) != nil || total > maxNodes {
			return total
		}
		total += c.count(&document)
	}
}

// counter counts nodes with their aliases written out.
type counter struct {
	sizes  map[*yaml.Node]int // of what was counted, or more than maxNodes while it is
	nested bool
}

func (c *counter) count(n *yaml.Node) int {
	if size, ok := c.sizes[n]; ok {
		return size
	}
	c.sizes[n] = maxNodes + 1 // An alias of what it is in has no end.
	size := 1
	switch {
	case n.Kind == yaml.AliasNode:
		size += c.count(n.Alias)
	case n.Kind == yaml.ScalarNode && c.nested:
		size += expanded(n.Value, false)
	}
	for _, child := range n.Content {
		// Bounded, so that it cannot overflow.
		size = min(size+c.count(child), maxNodes+1)
	}
	c.sizes[n] = size
	return size
}
