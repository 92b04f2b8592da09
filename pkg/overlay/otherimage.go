package overlay

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/types"

	"github.com/comptech-lab/quay-push/pkg/reference"
)

// checkOthers refuses pins that change another image than theirs, or theirs to anything but the digest. What is rendered is held
// against the overlay with Placeholder for their digests, and with their names as names.
func (e *effect) checkOthers(pins []Pin) error {
	changes, err := e.changesFrom(func(items []types.Image) []types.Image {
		for i, item := range items {
			if slices.ContainsFunc(pins, func(p Pin) bool { return p.Image == item.Name }) {
				items[i].Name, items[i].Digest = regexp.QuoteMeta(item.Name), Placeholder
			}
		}
		return items
	})
	if err != nil {
		return err
	}
	changes = slices.DeleteFunc(changes, func(c change) bool {
		return slices.ContainsFunc(pins, func(p Pin) bool { return reference.Bare(c.before) == p.Image && c.after == p.pinned() })
	})
	if len(changes) == 0 {
		return nil
	}
	next := "see which replacement copies a part of the image"
	if slices.ContainsFunc(pins, func(p Pin) bool { return matches(p.Image, changes[0].before) }) {
		next = renameNext
	}
	return refuse(ReasonOtherImage, next, "the edit would also change %s", listed(changes))
}

const renameNext = "give one of the two images another name: kustomize reads name as a pattern, in which a dot is any character"

// byPattern lists the images that would be others if the names of the items were names, and not patterns.
func (e *effect) byPattern() ([]change, error) {
	return e.changesFrom(func(items []types.Image) []types.Image {
		for i := range items {
			items[i].Name = regexp.QuoteMeta(items[i].Name)
		}
		return items
	})
}

// String is the change in words.
func (c change) String() string {
	return fmt.Sprintf("%s from %.200q to %.200q", c.place, c.before, c.after)
}

// listed is some changes in words.
func listed(changes []change) string {
	const most = 3
	var texts []string
	for _, c := range changes[:min(len(changes), most)] {
		texts = append(texts, c.String())
	}
	if len(changes) > most {
		texts = append(texts, fmt.Sprintf("%d more", len(changes)-most))
	}
	return strings.Join(texts, ", ")
}
