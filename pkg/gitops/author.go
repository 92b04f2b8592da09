package gitops

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// author is who commits.
type author struct{ name, address string }

// authorPattern is what Git takes: any name and address without angle brackets, also those of bots, such as x[bot].
var authorPattern = regexp.MustCompile(`^ *([^<>]+?) *<([^<>@\s]+@[^<>@\s]+)> *$`)

func (o *Options) readAuthor(c *change) error {
	parts := authorPattern.FindStringSubmatch(o.Author)
	if parts == nil || !utf8.ValidString(o.Author) || strings.ContainsFunc(o.Author, unicode.IsControl) {
		return usageError("give it as in --author 'CI (payments) <ci@example.com>'", "--author %q is not NAME <ADDRESS>", o.Author)
	}
	// As Git does with quotes that a mail program wrote.
	name := strings.Trim(parts[1], `"' `)
	if name == "" {
		return usageError("give it as in --author 'CI (payments) <ci@example.com>'", "--author %q has no name", o.Author)
	}
	c.author = author{name, parts[2]}
	return nil
}
