package robot

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// WriteMarkdown writes the report for people: what was done, what could have been done, what to do next.
func (r LeakReport) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Leaked token of team %s\n\n", r.Tenant)
	r.writeEnd(&b)
	fmt.Fprintf(&b, "\n## Pushes in that time: %s\n\n", count(len(r.Pushes), r.PushesComplete))
	if len(r.Pushes) > 0 {
		b.WriteString("| time | repository | tag | robot | from |\n|---|---|---|---|---|\n")
	}
	for _, p := range r.Pushes {
		row(&b, stamp(p.Time), p.Repository, p.Tag, p.Robot, p.IP)
	}
	fmt.Fprintf(&b, "\n## Tags set in that time: %s\n\n", count(len(r.Tags), r.TagsComplete))
	if len(r.Tags) > 0 {
		b.WriteString("| time | repository | tag | now | before |\n|---|---|---|---|---|\n")
	}
	for _, t := range r.Tags {
		row(&b, stamp(t.Time), t.Repository, t.Name, t.Digest, t.Before)
	}
	b.WriteString("\n## Not known\n\n")
	for _, text := range r.Unknown {
		fmt.Fprintf(&b, "- %s\n", escape(text))
	}
	b.WriteString("\n## The new credential\n\n| step | state | found |\n|---|---|---|\n")
	for _, s := range r.Steps {
		row(&b, s.Title, string(s.State), s.Detail)
	}
	for _, c := range r.Verification.Checks {
		row(&b, c.Title, string(c.Status), c.Detail)
	}
	b.WriteString("\n## Next\n\n")
	fmt.Fprintf(&b, "1. Compare each push above with a PipelineRun of team %s. One that has none is the intruder's.\n", r.Tenant)
	b.WriteString("2. Move its tags back to what they were before, and check whether an overlay pins its digest.\n")
	if !r.Burnt.IsZero() {
		fmt.Fprintf(&b, "3. Check the tags once more after %s: what a bearer token pushed until then is in no list above.\n", stamp(r.BearersUntil))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writeEnd writes what was ended, and until when that can still be felt.
func (r LeakReport) writeEnd(b *strings.Builder) {
	if r.Burnt.IsZero() {
		why := ""
		if slices.ContainsFunc(r.Steps, func(s Step) bool { return s.State == Pending }) {
			why = ": this is a plan"
		}
		fmt.Fprintf(b, "Nothing was burnt%s. The tokens may have been known since %s.\n", why, stamp(r.Since))
		return
	}
	fmt.Fprintf(b, "At %s no robot of then had a right or a good token any more: %s. Their tokens may have been known since %s.\n",
		stamp(r.Burnt), strings.Join(r.Ended, ", "), stamp(r.Since))
	fmt.Fprintf(b, "A bearer token that one of them bought before can still pull and push until %s: the registry looks at nothing else. What it buys now has no right.\n", stamp(r.BearersUntil))
	switch {
	case r.Robot == "":
		b.WriteString("The team has no new credential yet.\n")
	case r.Outage > 0:
		fmt.Fprintf(b, "The team pushes with %s. For %s it had no credential that worked.\n", r.Robot, r.Outage.Round(time.Millisecond))
	default:
		fmt.Fprintf(b, "The team pushes with %s, and had a credential that worked all the time.\n", r.Robot)
	}
}

// row writes one row of a table; what others wrote cannot break out of its cell.
func row(b *strings.Builder, cells ...string) {
	for _, cell := range cells {
		fmt.Fprintf(b, "| %s ", escape(cell))
	}
	b.WriteString("|\n")
}

// escape takes out of a text what would be Markdown or break a line.
func escape(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "\r", " ", "<", "&lt;").Replace(text)
}

// count says how many were found, and whether there may be more: none where nobody could look is not 0.
func count(found int, complete bool) string {
	switch {
	case complete:
		return strconv.Itoa(found)
	case found == 0:
		return "not known"
	}
	return fmt.Sprintf("%d or more", found)
}
