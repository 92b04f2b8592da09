package overlay

import (
	"bytes"
	"fmt"
	"io/fs"
)

// Edit is a change of one kustomization that was not written yet.
type Edit struct {
	// Path is relative to the repository's root.
	Path string
	// Before and After are the file's whole content.
	Before, After []byte
}

// Changed reports whether After is anything new.
func (e Edit) Changed() bool { return !bytes.Equal(e.Before, e.After) }

// Set makes the edit with which the dev overlay of an app has the pin's digest. tree is the repository. It refuses what
// would have no effect, or another one: the pin's image must be one of the base, and kustomize must render the overlay with
// the digest and with no other image changed. The error is a *Refusal, or tree's. tree may be a Warner.
func Set(tree fs.FS, o Overlay, pin Pin) (Edit, error) {
	if err := o.validate(); err != nil {
		return Edit{}, err
	}
	if o.Env != Environments[0] {
		return Edit{}, refuse(ReasonEnvironment, "promote the digest that dev has", "%s is not written by CI", o)
	}
	return o.edit(tree, []Pin{pin})
}

// edit applies pins to the overlay.
func (o Overlay) edit(tree fs.FS, pins []Pin) (Edit, error) {
	before, err := readFile(tree, o.Path())
	if err != nil {
		return Edit{}, err
	}
	e := Edit{o.Path(), before, before}
	for _, pin := range pins {
		if e.After, err = pin.Apply(e.After); err != nil {
			return Edit{}, fmt.Errorf("editing %q: %w", e.Path, err)
		}
	}
	if err := o.checkEffect(tree, e.After, pins); err != nil {
		return Edit{}, fmt.Errorf("editing %q: %w", e.Path, err)
	}
	return e, nil
}

// checkEffect renders base and overlay. Where a name is not byte-equal to an image, kustomize silently does nothing; where it
// matches another image as a pattern, kustomize silently changes that too.
func (o Overlay) checkEffect(tree fs.FS, after []byte, pins []Pin) error {
	var names []string
	for _, pin := range pins {
		names = append(names, pin.Image)
	}
	base, err := baseImages(tree, o, names)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := o.checkBase(base, name); err != nil {
			return err
		}
	}
	e, err := newEffect(tree, o, after, names)
	if err != nil {
		return err
	}
	for _, pin := range pins {
		if err := e.checkPin(pin); err != nil {
			return err
		}
	}
	if err := e.checkOthers(pins); err != nil {
		return err
	}
	e.warnOfVolumes(tree, pins)
	return nil
}
