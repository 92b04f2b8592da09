package overlay

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/reference"
)

// Promote makes the edit with which the overlay to, of the same app, has the digests of from: each digest that from has in
// images, for the item of the same name. Only the next environment can be promoted to. tree is the repository. The error is
// a *Refusal, or tree's.
func Promote(tree fs.FS, from Overlay, to string) (Edit, error) {
	target := from
	target.Env = to
	for _, o := range []Overlay{from, target} {
		if err := o.validate(); err != nil {
			return Edit{}, err
		}
	}
	if to != NextEnvironment(from.Env) {
		return Edit{}, refuse(ReasonOrder, "promote one step: "+strings.Join(Environments, " to "),
			"%s cannot be promoted to %s: what runs there was in each environment before it", from, to)
	}
	pins, err := from.pins(tree)
	if err != nil {
		return Edit{}, err
	}
	return target.edit(tree, pins)
}

// NextEnvironment is the one environment to which what env has may be promoted; empty where there is none.
func NextEnvironment(env string) string {
	if i := slices.Index(Environments, env); i >= 0 && i+1 < len(Environments) {
		return Environments[i+1]
	}
	return ""
}

// pins are the overlay's images with their digests; one without a digest is refused.
func (o Overlay) pins(tree fs.FS) ([]Pin, error) {
	data, err := readFile(tree, o.Path())
	if err != nil {
		return nil, err
	}
	d, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", o.Path(), err)
	}
	entries, err := d.entries()
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", o.Path(), err)
	}
	var pins []Pin
	for _, e := range entries {
		pin := Pin{e.value("name"), e.value("digest")}
		if !reference.IsDigest(pin.Digest) || e.has("newTag") {
			next := "let CI write it: build and push again, and merge what CI proposes"
			if e.has("digest") && e.has("newTag") {
				next = "remove newTag"
			} else if o.Env != Environments[0] {
				next = "promote to " + o.Env + " first"
			}
			return nil, refuse(ReasonNotPinned, next,
				"%q has no digest for %q, but %q", o.Path(), pin.Image, pin.Digest+e.value("newTag"))
		}
		pins = append(pins, pin)
	}
	if len(pins) == 0 {
		return nil, refuse(ReasonNoEntry, "add an item with name, newName and digest: "+Placeholder, "%q has no images", o.Path())
	}
	return pins, nil
}
