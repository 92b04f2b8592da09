package push

import (
	"fmt"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/shown"
)

// choice is what is behind the path of a source to pick one of its images. The zero value picks the only one.
type choice struct {
	// text is the choice as it is written: a name, @N or @sha256:<64 hex>.
	text string
	// place is where the image is in the list, from 0; -1 if the choice is no place.
	place int
	// digest is that of the image; zero if the choice is no digest.
	digest v1.Hash
}

// parseChoice reads NAME, @N or @sha256:<64 hex>; empty picks the only image. The error is a usage error.
func parseChoice(text string) (choice, error) {
	c := choice{text: text, place: -1}
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
		c.place = int(place)
	}
	if err != nil {
		return choice{}, failure.Usage("%s ends in %q, which is neither a place, :@0, nor a digest, :@sha256:<64 hex>", failure.SourceFlag, ":"+failure.Shorten(text))
	}
	return c, nil
}

// picks reports whether the image at place, with the given digest and names, is the one.
func (c choice) picks(place int, digest v1.Hash, names ...string) bool {
	switch {
	case c.place >= 0:
		return place == c.place
	case c.digest != v1.Hash{}:
		return digest == c.digest
	}
	for _, name := range names {
		if name == c.text {
			return true
		}
	}
	return c.text == ""
}

// offer is an image that can be chosen.
type offer struct {
	place int
	names []string
	// image is the same for the same image and no other.
	image string
	// digest is shown where another image has the same name.
	digest func() string
}

// offers are what can be chosen of a source.
type offers []offer

// written are the ways to choose each, as they are written behind the path, up to most: its names, or its place if it has no
// name for itself. rest is how many more there are.
func (o offers) written(most int) (few []string, rest int) {
	holders, shared := map[string]string{}, map[string]bool{}
	for _, one := range o {
		for _, name := range one.names {
			if holder, held := holders[name]; held && holder != one.image {
				shared[name] = true
			}
			holders[name] = one.image
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
		place, named := ":@"+strconv.Itoa(one.place), false
		for _, name := range one.names {
			if name != "" && !shared[name] {
				named = true
				add(func() string { return ":" + name })
			}
		}
		switch {
		case named:
		case strings.Join(one.names, "") == "":
			add(func() string { return place })
		default:
			add(func() string { return fmt.Sprintf("%s (%s)", place, one.digest()) })
		}
	}
	return few, rest
}

// String lists a few.
func (o offers) String() string {
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
	howToChoose  = "name one with :REF behind the path in " + failure.SourceFlag + ": its name, " + otherChoices
	otherChoices = ":@N for its place in the list from 0, or :@sha256:…, its digest"
	// chooseByPlace is for a name that several images have.
	chooseByPlace = "name one with :REF behind the path in " + failure.SourceFlag + ": " + otherChoices
)
