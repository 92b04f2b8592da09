package overlay

import (
	"regexp"
	"slices"

	"github.com/comptech-lab/quay-push/pkg/reference"
)

// checkPin refuses a digest that kustomize does not render, or not for each image of its name.
func (e *effect) checkPin(pin Pin) error {
	isLeft := func(i image) bool { return reference.Bare(i.value) == pin.Image && i.value != pin.pinned() }
	pinned := slices.ContainsFunc(e.images, func(i image) bool { return i.value == pin.pinned() })
	left := e.images
	if !pinned {
		left = slices.Concat(e.images, e.others)
	}
	at := slices.IndexFunc(left, isLeft)
	next := "see which patch, replacement or other item of images replaces the image"
	switch {
	case !e.based && !pinned:
		next = "add ../../base to the resources of the overlay"
	case at < 0 && pinned:
		return nil
	case at < 0:
	case !matches(pin.Image, pin.Image):
		next = "give the image a name without characters such as [ and +: kustomize reads name as a pattern, and this one does not match itself"
	case e.probed[left[at].place] == "":
		next = configureNext
	}
	if at >= 0 {
		return refuse(ReasonNoEffect, next, "kustomize renders %s as %.200q, not %q", left[at].place, left[at].value, pin.pinned())
	}
	return refuse(ReasonNoEffect, next, "kustomize renders %s, not %q", few(e.images), pin.pinned())
}

const configureNext = "name the field in a file of `configurations`: of itself kustomize knows the images of containers and image volumes alone"

// matches reports whether kustomize finds an image by the name of an item, which it reads as a pattern.
func matches(name, image string) bool {
	pattern, err := regexp.Compile("^" + name + "$")
	return err == nil && pattern.MatchString(reference.Bare(image))
}
