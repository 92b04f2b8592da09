package overlay

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/reference"
)

// verification looks at one overlay.
type verification struct {
	tree     fs.FS
	overlay  Overlay
	demands  []Demand
	findings []Finding
}

// add adds a finding.
func (v *verification) add(reason Reason, next, format string, args ...any) {
	v.findings = append(v.findings, Finding{v.overlay.Path(), &Refusal{Reason: reason, Problem: fmt.Sprintf(format, args...), Next: next}})
}

// refused adds a refusal, if it is one.
func (v *verification) refused(err error) {
	if refusal := (*Refusal)(nil); errors.As(err, &refusal) {
		v.findings = append(v.findings, Finding{v.overlay.Path(), refusal})
	}
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
	var names []string
	for _, e := range entries {
		names = append(names, e.value("name"))
	}
	base, err := baseImages(v.tree, v.overlay, names)
	if err != nil {
		return err
	}
	for _, e := range entries {
		v.checkEntry(d, e, base)
	}
	rendered, err := newEffect(v.tree, v.overlay, data, names)
	if err != nil {
		return err
	}
	if err := v.checkRendered(entries, rendered); err != nil {
		return err
	}
	return v.checkRegistry(ctx, rendered, registry)
}

// checkEntry looks at one item of images.
func (v *verification) checkEntry(d *document, e entry, base []image) {
	name, value := e.value("name"), e.value("digest")
	if _, err := d.find(name); err != nil {
		v.add(ReasonTwoEntries, "keep one of them", "line %d: images has the name %q again", e.node.Line, name)
	}
	v.refused(v.overlay.checkBase(base, name))
	if newName := e.value("newName"); newName != name {
		v.add(ReasonNewName, "let newName repeat name", "line %d: newName is %q, name is %q", e.node.Line, newName, name)
	}
	dev := v.overlay.Env == Environments[0]
	switch tagged := e.has("newTag") || e.has("tagSuffix"); {
	case tagged && (!dev || e.has("digest")):
		v.add(ReasonNewTag, "remove newTag and pin the digest", "line %d: a tag beside a digest, or in %s", e.node.Line, v.overlay.Env)
	case !tagged && value == "":
		v.add(ReasonNoDigest, "add digest: "+Placeholder, "line %d: the item has no digest", e.node.Line)
	case value != "" && value != Placeholder && !reference.IsDigest(value):
		v.add(ReasonDigest, "pin sha256:<64 hex>, or "+Placeholder+" until CI or a promotion does", "line %d: %q is not the digest of an image", e.node.Line, value)
	}
}

// checkRendered looks at the images that would run: each digest must be among them, none may be another item's, and outside of
// dev all must be digests.
func (v *verification) checkRendered(entries []entry, rendered *effect) error {
	for _, e := range entries {
		if pin := (Pin{e.value("name"), e.value("digest")}); reference.IsDigest(pin.Digest) {
			v.refused(rendered.checkPin(pin))
		}
	}
	byPattern, err := rendered.byPattern()
	if err != nil {
		return err
	}
	for _, c := range byPattern {
		v.add(ReasonOtherImage, renameNext, "an item of images that has another name changes %s", c)
	}
	for _, i := range rendered.images {
		if v.overlay.Env != Environments[0] && !strings.Contains(i.value, "@sha256:") {
			next := "add an item of images that pins it"
			if rendered.probed[i.place] == "" {
				next = configureNext
			} else if slices.ContainsFunc(entries, func(e entry) bool { return e.value("name") == reference.Bare(i.value) }) {
				next = "let its item of images have a digest in the place of a tag"
			}
			v.add(ReasonNotPinned, next, "%s would run %.200q in %s, which is no digest", i.place, i.value, v.overlay.Env)
		}
	}
	return nil
}

// checkRegistry looks for each digest that would run in the registry, and asks the demands about it, also for one that the base has and no item of images.
func (v *verification) checkRegistry(ctx context.Context, rendered *effect, registry Registry) error {
	seen := map[Pin]bool{}
	for _, i := range rendered.images {
		_, digest, _ := strings.Cut(i.value, "@")
		pin := Pin{reference.Bare(i.value), digest}
		if seen[pin] || !reference.IsDigest(digest) {
			continue
		}
		seen[pin] = true
		if registry != nil {
			err := pin.CheckAlive(ctx, registry)
			if v.refused(err); err != nil && !errors.As(err, new(*Refusal)) && !errors.Is(err, ErrElsewhere) {
				return err
			}
		}
		for _, demand := range v.demands {
			err := demand(ctx, v.overlay, pin)
			if v.refused(err); err != nil && !errors.As(err, new(*Refusal)) {
				return err
			}
		}
	}
	return nil
}
