package verdict

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/shown"
)

// Bounds of one answer, so that a hostile one fills neither the memory nor the time.
const (
	// maxAnswer is how many bytes it may have: a verdict on an image with thousands of vulnerabilities has some ten million.
	maxAnswer = 256 << 20
	// maxToken is how many bytes may come between two values of it, which is how long a text may be.
	maxToken = 1 << 20
	// maxDepth is how deep it may nest.
	maxDepth = 32
)

// shapeError is an answer that is none of those that Quay gives.
type shapeError struct{ text string }

func (e *shapeError) Error() string { return e.text }

func shapeErrorf(format string, args ...any) error { return &shapeError{fmt.Sprintf(format, args...)} }

// walker goes through a document as it comes, value by value, and keeps none of it.
type walker struct {
	decoder *json.Decoder
	source  *bounded
	depth   int
}

func newWalker(r io.Reader) *walker {
	source := &bounded{r: r}
	return &walker{decoder: json.NewDecoder(source), source: source}
}

// next is the next token.
func (w *walker) next() (json.Token, error) {
	w.source.since = 0
	token, err := w.decoder.Token()
	switch {
	case err == nil:
		return token, nil
	case w.source.err != nil:
		return nil, w.source.err
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		return nil, shapeErrorf("it ends too early")
	}
	return nil, shapeErrorf("it is no JSON: %s", shown.Short(err.Error()))
}

// fields passes an object, see members.
func (w *walker) fields(what string, read map[string]func() error, may ...string) error {
	if err := w.open('{', what); err != nil {
		return err
	}
	return w.members(what, read, may...)
}

// nullable passes an object whose members may all be missing, or null.
func (w *walker) nullable(what string, read map[string]func() error) (filled bool, err error) {
	token, err := w.next()
	switch {
	case err != nil || token == nil:
		return false, err
	case token != json.Delim('{'):
		return false, shapeErrorf("%s is no object", what)
	}
	w.depth++
	return true, w.members(what, read, slices.Collect(maps.Keys(read))...)
}

// members passes an object behind its first byte. For each of its members that read names it calls that, which passes the value; the
// others are passed over. A member that is given twice, or in other letters than Quay's, is refused, and so is an object without one of
// these that may not be missing.
func (w *walker) members(what string, read map[string]func() error, may ...string) error {
	seen := map[string]bool{}
	for w.decoder.More() {
		token, err := w.next()
		if err != nil {
			return err
		}
		name, _ := token.(string)
		for known := range read {
			if name != known && strings.EqualFold(name, known) {
				return shapeErrorf("%s has the field %q, which is not %q", what, shown.Short(name), known)
			}
		}
		step, known := read[name]
		switch {
		case !known:
			err = w.skip()
		case seen[name]:
			return shapeErrorf("%s has the field %q twice", what, name)
		default:
			seen[name] = true
			err = step()
		}
		if err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(read)) {
		if !seen[name] && !slices.Contains(may, name) {
			return shapeErrorf("%s has no field %q", what, name)
		}
	}
	return w.close()
}

// each passes an array, with one call for each of its elements.
func (w *walker) each(what string, element func() error) error {
	if err := w.open('[', what); err != nil {
		return err
	}
	for w.decoder.More() {
		if err := element(); err != nil {
			return err
		}
	}
	return w.close()
}

func (w *walker) open(want json.Delim, what string) error {
	token, err := w.next()
	if err != nil {
		return err
	}
	if token != want {
		return shapeErrorf("%s does not begin with %q", what, want.String())
	}
	if w.depth++; w.depth > maxDepth {
		return shapeErrorf("it is nested more than %d deep", maxDepth)
	}
	return nil
}

func (w *walker) close() error {
	w.depth--
	_, err := w.next()
	return err
}

// skip passes the next value, whatever it is.
func (w *walker) skip() error {
	for depth := 0; ; {
		token, err := w.next()
		if err != nil {
			return err
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if w.depth+depth > maxDepth {
			return shapeErrorf("it is nested more than %d deep", maxDepth)
		}
		if depth == 0 {
			return nil
		}
	}
}

// text puts the next value into to. It has to be a string; null is the empty one where mayBeNull.
func (w *walker) text(to *string, what string, mayBeNull bool) func() error {
	return func() error {
		token, err := w.next()
		if err != nil {
			return err
		}
		value, ok := token.(string)
		if !ok && (token != nil || !mayBeNull) {
			return shapeErrorf("%s is no text", what)
		}
		*to = value
		return nil
	}
}

// end makes sure that nothing follows.
func (w *walker) end() error {
	w.source.since = 0
	if token, err := w.decoder.Token(); err != io.EOF {
		if w.source.err != nil {
			return w.source.err
		}
		return shapeErrorf("something follows the answer: %s", shown.Short(fmt.Sprint(token)))
	}
	return nil
}

// bounded reads no more than the bounds allow, and keeps an error of reading.
type bounded struct {
	r            io.Reader
	total, since int
	err          error
}

func (b *bounded) Read(p []byte) (int, error) {
	// The decoder reads ahead as much as it has room for.
	if b.since > maxToken {
		b.err = shapeErrorf("a text in it has more than %d bytes", maxToken)
		return 0, b.err
	}
	n, err := b.r.Read(p[:min(len(p), 64<<10)])
	b.since += n
	if b.total += n; b.total > maxAnswer {
		b.err = shapeErrorf("it has more than %d bytes", maxAnswer)
		return 0, b.err
	}
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}
