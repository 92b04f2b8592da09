package report

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/pushlog"
	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/shown"
)

// mostPushes is how many pushes the page lists, and how many that were refused.
const mostPushes = 500

// mostText is how many bytes the page shows of one text.
const mostText = 2000

var (
	//go:embed page.html
	pageText string
	//go:embed page.css
	style string

	pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{"date": date, "stamp": stamp, "span": span, "size": size, "count": count,
		"told": told, "cut": func(text any) string { return shown.Cut(fmt.Sprint(text), mostText) }}).Parse(pageText))
)

// policy has a browser run nothing, ask no server and send nothing, whatever came to be in the page: it takes this style alone.
var policy = func() string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; img-src data:; base-uri 'none'; form-action 'none'"
}()

// page is what the template shows.
type page struct {
	Report
	Policy string
	Style  template.CSS
	// All are the teams, and Right to Partly how many of them are so.
	All                              []*team
	Right, Wrong, Unchecked, Partial int
	Findings                         []*finding
	// Oldest is the team with the oldest token; nil where no token has an age. Old is how many should have been replaced.
	Oldest *team
	Old    int
	// Pushed and Refused are the newest, PushedAll and RefusedAll how many there are.
	Pushed, Refused       []pushlog.Push
	PushedAll, RefusedAll int
	Warnings, Unproved    []*remark

	legend
}

// legend are the marks by themselves.
type legend struct{ Good, Bad, Unasked, Part, Due, Warning, Stop, Gap, Unlooked mark }

var allMarks = legend{markRight, markWrong, markUnchecked, markPartly, mark{"warn", "due"}, mark{"warn", "warning"}, mark{"stop", "refused or failed"}, mark{"unsure", "not read"},
	mark{"part", "not proved"}}

// remark is what verify says of teams that makes nothing wrong.
type remark struct {
	Text  string
	Teams []string
}

// Write writes the page to w.
func (r Report) Write(w io.Writer) error {
	var out bytes.Buffer
	if err := pageTemplate.Execute(&out, r.page()); err != nil {
		return fmt.Errorf("rendering the page: %w", err)
	}
	var clean bytes.Buffer
	for line := range strings.Lines(out.String()) {
		text, found := strings.CutSuffix(line, "\n")
		clean.WriteString(shown.Plain(text))
		if found {
			clean.WriteByte('\n')
		}
	}
	if _, err := clean.WriteTo(w); err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	return nil
}

// page collects what the template shows.
func (r Report) page() page {
	p := page{Report: r, Policy: policy, Style: template.CSS(style), All: r.teams(), legend: allMarks}
	for _, t := range p.All {
		switch t.Mark {
		case markRight:
			p.Right++
		case markWrong:
			p.Wrong++
		case markUnchecked:
			p.Unchecked++
		default:
			p.Partial++
		}
		if t.Old {
			p.Old++
		}
		if !t.Written.IsZero() && (p.Oldest == nil || t.Written.Before(p.Oldest.Written)) {
			p.Oldest = t
		}
	}
	p.Findings = findings(p.All)
	for _, push := range r.Pushes.Pushes {
		push.Repository = strings.TrimPrefix(push.Repository, r.Registry+"/")
		list, n := &p.Pushed, &p.PushedAll
		if push.Refused != "" {
			list, n = &p.Refused, &p.RefusedAll
		}
		if *n++; *n <= mostPushes {
			*list = append(*list, push)
		}
	}
	p.Warnings = remarks(r.Teams, func(r robot.Report) []string { return r.Warnings })
	p.Unproved = remarks(r.Teams, func(r robot.Report) []string { return r.Unproved })
	return p
}

// remarks are what is said of teams, each once, in the order in which they come.
func remarks(teams []Team, said func(robot.Report) []string) (all []*remark) {
	byText := map[string]*remark{}
	for _, t := range teams {
		for _, text := range said(t.Report) {
			if byText[text] == nil {
				byText[text] = &remark{Text: text}
				all = append(all, byText[text])
			}
			byText[text].Teams = append(byText[text].Teams, t.Tenant)
		}
	}
	return all
}
