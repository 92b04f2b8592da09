package overlay

import (
	"bytes"

	"go.yaml.in/yaml/v3"
)

// maxMarks is how many marks a file may have that is parsed only to count its nodes.
const maxMarks = 3 * maxNodes

// marks counts the characters that part YAML nodes. In YAML every node but the first needs one, or shares one with one other;
// in text they part nothing, so that there are fewer nodes then.
func marks(data []byte) int {
	n := 0
	for _, c := range data {
		switch c {
		case '-', '?', ':', ',', '[', '{':
			n++
		}
	}
	return n
}

// countNodes returns how many YAML nodes a file has, or a larger number that is not above enough.
func countNodes(data []byte, enough int) int {
	n := marks(data)
	if n <= enough || n > maxMarks {
		return n
	}
	n = 0
	for decoder := yaml.NewDecoder(bytes.NewReader(data)); ; {
		var document yaml.Node
		if decoder.Decode(&document) != nil {
			return n
		}
		n += nodesOf(&document)
	}
}

func nodesOf(n *yaml.Node) int {
	sum := 1
	for _, child := range n.Content {
		sum += nodesOf(child)
	}
	return sum
}
