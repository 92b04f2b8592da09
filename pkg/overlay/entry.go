package overlay

import "go.yaml.in/yaml/v3"

// entry is one item of images.
type entry struct {
	node *yaml.Node
	keys map[string]*yaml.Node // a field's key
	vals map[string]*yaml.Node // its value, as it is written: perhaps an alias
}

// value is the text of a field; an alias stands for its anchor. A field that is not there has none.
func (e entry) value(field string) string {
	n := e.vals[field]
	if n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n == nil || n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" {
		return ""
	}
	return n.Value
}

// has reports whether the field is there, with or without a value.
func (e entry) has(field string) bool { return e.keys[field] != nil }

// entries reads images. An anchor there is refused: an edit would also change what refers to it.
func (d *document) entries() ([]entry, error) {
	images := d.field("images")
	if images == nil {
		return nil, nil
	}
	if images.Kind == yaml.AliasNode || images.Anchor != "" {
		return nil, anchored(images, "images")
	}
	if images.Kind != yaml.SequenceNode {
		return nil, refuse(ReasonYAML, "write a list of name, newName and digest", "line %d: images is not a list", images.Line)
	}
	var entries []entry
	for _, node := range images.Content {
		if node.Kind == yaml.AliasNode || node.Anchor != "" {
			return nil, anchored(node, "an item of images")
		}
		if node.Kind != yaml.MappingNode {
			return nil, refuse(ReasonYAML, "write name, newName and digest", "line %d: an item of images is not a mapping", node.Line)
		}
		e := entry{node, map[string]*yaml.Node{}, map[string]*yaml.Node{}}
		for i := 0; i < len(node.Content); i += 2 {
			key := node.Content[i]
			if key.Kind == yaml.AliasNode || key.ShortTag() == "!!merge" {
				return nil, anchored(key, "a key in images")
			}
			e.keys[key.Value], e.vals[key.Value] = key, node.Content[i+1]
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// field is the value of a field of the kustomization; nil for none.
func (d *document) field(name string) *yaml.Node {
	for i := 0; i < len(d.root.Content); i += 2 {
		if key := d.root.Content[i]; key.Kind == yaml.ScalarNode && key.Value == name {
			return d.root.Content[i+1]
		}
	}
	return nil
}

// find is the entry for an image.
func (d *document) find(image string) (entry, error) {
	entries, err := d.entries()
	if err != nil {
		return entry{}, err
	}
	var found []entry
	var names []string
	for _, e := range entries {
		names = append(names, e.value("name"))
		if e.value("name") == image {
			found = append(found, e)
		}
	}
	switch {
	case len(found) == 0:
		return entry{}, refuse(ReasonNoEntry, "give an image that has an item, or add an item with name, newName and digest: "+Placeholder,
			"no item of images has the name %q, they have %q", image, names)
	case len(found) > 1:
		return entry{}, refuse(ReasonTwoEntries, "keep one of them", "line %d: images has the name %q again", found[1].node.Line, image)
	}
	return found[0], nil
}

func anchored(n *yaml.Node, what string) error {
	return refuse(ReasonAnchor, "write it out", "line %d: %s has an anchor, an alias or a merge, an edit would change other places too", n.Line, what)
}
