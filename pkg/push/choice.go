package push

import (
	"fmt"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
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
		return choice{}, usageError("%s ends in %q, which is neither a place, :@0, nor a digest, :@sha256:<64 hex>", sourceFlag, ":"+shorten(text))
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

// offers are what can be chosen of a source, each as it is written behind the path.
type offers []string

// add adds the image at place, by its names or, if it has none, by its place.
func (o *offers) add(place int, names ...string) {
	for _, name := range names {
		if name != "" {
			*o = append(*o, ":"+name)
		}
	}
	if strings.Join(names, "") == "" {
		*o = append(*o, ":@"+strconv.Itoa(place))
	}
}

// String lists a few.
func (o offers) String() string {
	if len(o) == 0 {
		return "none"
	}
	const most = 5
	few := make([]string, 0, most)
	for _, one := range o[:min(len(o), most)] {
		few = append(few, strconv.Quote(cut(one, 100)))
	}
	text := strings.Join(few, ", ")
	if more := len(o) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// howToChoose is the next step of who has to pick an image.
const howToChoose = "name one with :REF behind the path in " + sourceFlag + ": its name, :@N for its place in the list from 0, or :@sha256:…, its digest"
