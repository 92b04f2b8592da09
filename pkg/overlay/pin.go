package overlay

import "errors"

// Apply returns the kustomization data with the pin's digest at the item of images that has the pin's image as its name.
// Every other byte stays: the scalar is replaced where it stands. In an item that has newTag and no digest, newTag and its
// value become digest and its value; the contract allows newTag in dev until CI patched it. An item that has the digest
// already leaves data as it is. The error is a *Refusal.
func (p Pin) Apply(data []byte) ([]byte, error) {
	if err := CheckDigest(p.Digest); err != nil {
		return nil, err
	}
	d, err := parse(data)
	if err != nil {
		return nil, err
	}
	e, err := d.find(p.Image)
	if err != nil {
		return nil, err
	}
	if err := p.check(e); err != nil {
		return nil, err
	}
	field := "digest"
	if !e.has(field) {
		field = "newTag"
	}
	key, value := e.keys[field], e.vals[field]
	at, err := d.place(value, field)
	if err != nil {
		return nil, err
	}
	after := splice(data, at, p.Digest)
	if field == "newTag" {
		if at, err = d.place(key, field); err != nil {
			return nil, err
		}
		after = splice(after, at, "digest")
		key.Value = "digest"
	}
	value.Value, value.Tag = p.Digest, "!!str"
	if err := d.confirm(after); err != nil {
		return nil, err
	}
	return after, nil
}

// check refuses an item whose other fields would let kustomize render something else than the pin.
func (p Pin) check(e entry) error {
	line := e.node.Line
	switch newName := e.value("newName"); {
	case e.has("newName") && newName != p.Image:
		return refuse(ReasonNewName, "let newName repeat name", "line %d: newName is %q, name is %q", line, newName, p.Image)
	case e.has("digest") && e.has("newTag"):
		return refuse(ReasonNewTag, "remove newTag", "line %d: the item has both digest and newTag", line)
	case e.has("tagSuffix"):
		return refuse(ReasonNewTag, "remove tagSuffix", "line %d: the item has tagSuffix, which is none of the contract's fields", line)
	case !e.has("digest") && !e.has("newTag"):
		return refuse(ReasonNoDigest, "add digest: "+Placeholder, "line %d: the item has neither digest nor newTag", line)
	}
	return nil
}

// confirm reads the edited kustomization again, and holds it against the nodes with the edit made in them.
func (d *document) confirm(after []byte) error {
	edited, err := parse(after)
	if err == nil && !same(d.root, edited.root) {
		err = errors.New("it says something else than was meant")
	}
	if err != nil {
		return refuse(ReasonScalar, "write the item in block style, as docs/overlay.md has it", "the edit does not read back: %v", err)
	}
	return nil
}
