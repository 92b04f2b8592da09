package overlay

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// span is the place of a scalar's text in a document, with its quotes.
type span struct {
	start, end int
	quote      string
}

// place finds a scalar's text. Only a scalar that stands there as it reads is taken: on one line, no escapes, no tag.
func (d *document) place(n *yaml.Node, what string) (span, error) {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		return span{}, anchored(n, what)
	}
	quote := map[yaml.Style]string{0: "", yaml.SingleQuotedStyle: "'", yaml.DoubleQuotedStyle: `"`}
	q, plain := quote[n.Style]
	text := q + n.Value + q
	start := offset(d.data, n.Line, n.Column)
	if n.Kind != yaml.ScalarNode || !plain || text == "" || !bytes.HasPrefix(d.data[start:], []byte(text)) {
		return span{}, refuse(ReasonScalar, "write it on one line, plain or quoted, such as "+Placeholder,
			"line %d: %s is empty, or written as no plain or quoted scalar on one line", n.Line, what)
	}
	return span{start, start + len(text), q}, nil
}

// splice is data with the text at s replaced, in the quotes that it had.
func splice(data []byte, s span, value string) []byte {
	return append(append(bytes.Clone(data[:s.start]), s.quote+value+s.quote...), data[s.end:]...)
}

// breaks are the line breaks that the parser counts (YAML 1.1, section 5.4), the longest first.
var breaks = []string{"\r\n", "\n", "\r", "\u0085", "\u2028", "\u2029"}

const byteOrderMark = "\ufeff"

// offset is where line and column, as yaml.Node counts them, are in data: from 1, columns in characters, a byte order
// mark at the very start not counted. It is the end of data for a place that is not there.
func offset(data []byte, line, column int) int {
	i := len(data) - len(strings.TrimPrefix(string(data), byteOrderMark))
	for ; line > 1 && i < len(data); line-- {
		i = nextLine(data, i)
	}
	for ; column > 1 && i < len(data); column-- {
		_, size := utf8.DecodeRune(data[i:])
		i += size
	}
	return i
}

// nextLine is the start of the line after the one at i.
func nextLine(data []byte, i int) int {
	for i < len(data) {
		for _, b := range breaks {
			if bytes.HasPrefix(data[i:], []byte(b)) {
				return i + len(b)
			}
		}
		i++
	}
	return i
}
