package overlay

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// verification looks at one overlay.
type verification struct {
	tree     fs.FS
	overlay  Overlay
	findings []Finding
}

// add adds a finding.
func (v *verification) add(reason Reason, next, format string, args ...any) {
	v.findings = append(v.findings, Finding{v.overlay.Path(), &Refusal{reason, fmt.Sprintf(format, args...), next}})
}

// run looks at the file, at what kustomize makes of it, and at the registry. A *Refusal ends it.
func (v *verification) run(ctx context.Context, registry Registry) error {
	if err := v.overlay.validate(); err != nil {
		return err
	}
	data, err := readFile(v.tree, v.overlay.Path())
	if err != nil {
		return err
	}
	d, err := parse(data)
	if err != nil {
		return err
	}
	entries, err := d.entries()
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		return refuse(ReasonNoEntry, "add an item with name, newName and digest: "+Placeholder, "the overlay has no images")
	}
	base, err := baseImages(v.tree, v.overlay)
	if err != nil {
		return err
	}
	for _, e := range entries {
		v.checkEntry(d, e, base)
	}
	rendered, err := overlayImages(v.tree, v.overlay, data)
	if err != nil {
		return err
	}
	v.checkRendered(entries, rendered)
	return v.checkRegistry(ctx, entries, registry)
}

// checkEntry looks at one item of images.
func (v *verification) checkEntry(d *document, e entry, base []string) {
	name, value := e.value("name"), e.value("digest")
	if _, err := d.find(name); err != nil {
		v.add(ReasonTwoEntries, "keep one of them", "line %d: images has the name %q again", e.node.Line, name)
	}
	if !slices.Contains(base, name) {
		v.add(ReasonBaseImage, "let name be an image of the base, byte for byte, without its tag",
			"line %d: %q is no image of %q, that has %q", e.node.Line, name, v.overlay.Base(), base)
	}
	if newName := e.value("newName"); newName != name {
		v.add(ReasonNewName, "let newName repeat name", "line %d: newName is %q, name is %q", e.node.Line, newName, name)
	}
	dev := v.overlay.Env == Environments[0]
	switch tagged := e.has("newTag") || e.has("tagSuffix"); {
	case tagged && (!dev || e.has("digest")):
		v.add(ReasonNewTag, "remove newTag and pin the digest", "line %d: a tag beside a digest, or in %s", e.node.Line, v.overlay.Env)
	case !tagged && value == "":
		v.add(ReasonNoDigest, "add digest: "+Placeholder, "line %d: the item has no digest", e.node.Line)
	case value != "" && value != Placeholder && !digestPattern.MatchString(value):
		v.add(ReasonDigest, "pin sha256:<64 hex>, or "+Placeholder+" until CI or a promotion does", "line %d: %q is not the digest of an image", e.node.Line, value)
	}
}

// checkRendered looks at the images that would run: each digest must be among them, and outside of dev nothing but digests.
func (v *verification) checkRendered(entries []entry, rendered []string) {
	for _, e := range entries {
		pin := Pin{e.value("name"), e.value("digest")}
		if digestPattern.MatchString(pin.Digest) && !slices.Contains(rendered, pin.pinned()) {
			v.add(ReasonNoEffect, "see whether the overlay has ../../base in its resources, and whether a patch replaces the image",
				"kustomize renders %q, not %q", rendered, pin.pinned())
		}
	}
	for _, image := range rendered {
		if v.overlay.Env != Environments[0] && !strings.Contains(image, "@sha256:") {
			v.add(ReasonNotPinned, "add an item of images that pins it", "%q would run in %s, which is no digest", image, v.overlay.Env)
		}
	}
}

// checkRegistry looks for each digest in the registry.
func (v *verification) checkRegistry(ctx context.Context, entries []entry, registry Registry) error {
	for _, e := range entries {
		pin := Pin{e.value("name"), e.value("digest")}
		if registry == nil || !digestPattern.MatchString(pin.Digest) {
			continue
		}
		err := pin.CheckAlive(ctx, registry)
		if refusal := (*Refusal)(nil); errors.As(err, &refusal) {
			v.findings = append(v.findings, Finding{v.overlay.Path(), refusal})
		} else if err != nil {
			return err
		}
	}
	return nil
}
