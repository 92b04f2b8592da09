package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// excuse is a line of accepted.txt.
type excuse struct{ id, why string }

var vulnerabilityID = regexp.MustCompile(`^GO-[0-9]{4}-[0-9]{4,}$`)

// parseExcuses reads lines of an ID and a sentence that says why. A line that begins with # is a comment.
func parseExcuses(list string) ([]excuse, error) {
	var excuses []excuse
	for line := range strings.Lines(list) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		id, why, _ := strings.Cut(line, " ")
		switch {
		case !vulnerabilityID.MatchString(id):
			return nil, fmt.Errorf("line %q does not begin with an ID such as GO-2026-1234", line)
		case strings.TrimSpace(why) == "":
			return nil, fmt.Errorf("%s does not say why it is accepted", id)
		case slices.ContainsFunc(excuses, func(e excuse) bool { return e.id == id }):
			return nil, fmt.Errorf("%s is listed twice", id)
		}
		excuses = append(excuses, excuse{id: id, why: strings.TrimSpace(why)})
	}
	return excuses, nil
}

// judge returns what must be done about: a vulnerability without an excuse, and an excuse without a vulnerability.
func judge(reached []finding, excuses []excuse) []string {
	var problems []string
	for _, f := range reached {
		if !slices.ContainsFunc(excuses, func(e excuse) bool { return e.id == f.id }) {
			problems = append(problems, fmt.Sprintf("%s: %s\n  %s reaches %s of %s %s\n  next: %s", f.id, f.summary, f.from, f.to, f.module, f.version, f.next()))
		}
	}
	for _, e := range excuses {
		if !slices.ContainsFunc(reached, func(f finding) bool { return f.id == e.id }) {
			problems = append(problems, fmt.Sprintf("%s is accepted, but no program reaches it any more\n  next: remove it from test/vulncheck/accepted.txt", e.id))
		}
	}
	return problems
}

func (f finding) next() string {
	accept := fmt.Sprintf("say in test/vulncheck/accepted.txt why %s does no harm", f.id)
	switch {
	case f.fixed == "":
		return "no version mends it: " + accept
	case f.module == "stdlib":
		return fmt.Sprintf("go get toolchain@go%s, or %s", strings.TrimPrefix(f.fixed, "v"), accept)
	default:
		return fmt.Sprintf("go get %s@%s, or %s", f.module, f.fixed, accept)
	}
}
