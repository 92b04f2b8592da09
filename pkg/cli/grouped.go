package cli

import (
	"fmt"
	"strings"
)

// grouped is what is true of several, told once.
type grouped struct {
	texts []string
	of    map[string][]string
}

// add notes that text is true of name.
func (g *grouped) add(text, name string) {
	if g.of == nil {
		g.of = map[string][]string{}
	}
	if g.of[text] == nil {
		g.texts = append(g.texts, text)
	}
	g.of[text] = append(g.of[text], name)
}

// lines are one for each text, in the order in which they came, with the first few of the names before it, such as "team a, b: text".
func (g *grouped) lines(kind string) (lines []string) {
	const most = 5
	for _, text := range g.texts {
		lines = append(lines, kind+" "+few(g.of[text], most)+": "+text)
	}
	return lines
}

// few are the first of the names, at most most of them, and how many more there are.
func few(names []string, most int) string {
	text := strings.Join(names[:min(len(names), most)], ", ")
	if more := len(names) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
