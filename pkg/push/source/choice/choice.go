// Package choice picks one of several images of a source, and tells how each can be picked.
package choice

import (
	"fmt"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/shown"
)

// Choice is what is behind the path of a source to pick one of its images. The zero value picks the only one.
type Choice struct {
	// Text is the choice as it is written: a name, @N or @sha256:<64 hex>.
	Text string
	// Place is where the image is in the list, from 0; -1 if the choice is no place.
	Place int
	// digest is that of the image; zero if the choice is no digest.
	digest v1.Hash
}

// Parse reads NAME, @N or @sha256:<64 hex>; empty picks the only image. The error is a usage error.
func Parse(text string) (Choice, error) {
	c := Choice{Text: text, Place: -1}
	rest, marked := strings.CutPrefix(text, "@")
	if !marked {
		return c, nil
	}
	var err error
	if strings.Contains(rest, ":") {
		c.digest, err = v1.NewHash(rest)
	} else {
		var place uint64
		place, err = strconv.ParseUint(rest, 10, 31)
		c.Place = int(place)
	}
	if err != nil {
		return Choice{}, failure.Usage("%s ends in %q, which is neither a place, :@0, nor a digest, :@sha256:<64 hex>", failure.SourceFlag, ":"+failure.Shorten(text))
	}
	return c, nil
}

// Picks reports whether the image at place, with the given digest and names, is the one.
func (c Choice) Picks(place int, digest v1.Hash, names ...string) bool {
	switch {
	case c.Place >= 0:
		return place == c.Place
	case c.digest != v1.Hash{}:
		return digest == c.digest
	}
	for _, name := range names {
		if name == c.Text {
			return true
		}
	}
	return c.Text == ""
}

// Offer is an image that can be chosen.
type Offer struct {
	Place int
	Names []string
	// Image is the same for the same image and no other.
	Image string
	// Digest is shown where another image has the same name.
	Digest func() string
}

// Offers are what can be chosen of a source.
type Offers []Offer

// written are the ways to choose each, as they are written behind the path, up to most: its names, or its place if it has no
// name for itself. rest is how many more there are.
func (o Offers) written(most int) (few []string, rest int) {
	holders, shared := map[string]string{}, map[string]bool{}
	for _, one := range o {
		for _, name := range one.Names {
			if holder, held := holders[name]; held && holder != one.Image {
				shared[name] = true
			}
			holders[name] = one.Image
		}
	}
	add := func(way func() string) {
		if len(few) == most {
			rest++
			return
		}
		few = append(few, strconv.Quote(shown.Cut(way(), 100)))
	}
	for _, one := range o {
		place, named := ":@"+strconv.Itoa(one.Place), false
		for _, name := range one.Names {
			if name != "" && !shared[name] {
				named = true
				add(func() string { return ":" + name })
			}
		}
		switch {
		case named:
		case strings.Join(one.Names, "") == "":
			add(func() string { return place })
		default:
			add(func() string { return fmt.Sprintf("%s (%s)", place, one.Digest()) })
		}
	}
	return few, rest
}

// String lists a few.
func (o Offers) String() string {
	few, rest := o.written(5)
	if len(few) == 0 {
		return "none"
	}
	text := strings.Join(few, ", ")
	if rest > 0 {
		text += fmt.Sprintf(" and %d more", rest)
	}
	return text
}

// The next steps of who has to pick an image.
const (
	HowToChoose  = "name one with :REF behind the path in " + failure.SourceFlag + ": its name, " + otherChoices
	otherChoices = ":@N for its place in the list from 0, or :@sha256:…, its digest"
	// ChooseByPlace is for a name that several images have.
	ChooseByPlace = "name one with :REF behind the path in " + failure.SourceFlag + ": " + otherChoices
)
