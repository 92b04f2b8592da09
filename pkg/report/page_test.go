package report_test

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/comptech-lab/quay-push/internal/reporttest"
	"github.com/comptech-lab/quay-push/pkg/report"
)

// rendered returns the page of a report, as text and as a tree.
func rendered(t *testing.T, r report.Report) (string, *html.Node) {
	t.Helper()
	var out strings.Builder
	if err := r.Write(&out); err != nil {
		t.Fatal(err)
	}
	root, err := html.Parse(strings.NewReader(out.String()))
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), root
}

// all returns the elements of a kind below a node, in order.
func all(n *html.Node, kinds ...atom.Atom) (found []*html.Node) {
	for d := range n.Descendants() {
		if d.Type == html.ElementNode && (len(kinds) == 0 || slices.Contains(kinds, d.DataAtom)) {
			found = append(found, d)
		}
	}
	return found
}

// attribute returns an attribute's value; "" where it has none.
func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// text is what a node says, on one line.
func text(n *html.Node) string {
	var words strings.Builder
	for d := range n.Descendants() {
		switch {
		case d.Type == html.TextNode:
			words.WriteString(d.Data)
		case slices.Contains([]atom.Atom{atom.Dt, atom.Dd, atom.Th, atom.Td, atom.P, atom.Caption}, d.DataAtom):
			words.WriteString(" ")
		}
	}
	return strings.Join(strings.Fields(words.String()), " ")
}

// section returns the part of the page below the heading with an id.
func section(t *testing.T, root *html.Node, id string) *html.Node {
	t.Helper()
	for _, s := range all(root, atom.Section) {
		if attribute(s, "aria-labelledby") == id {
			return s
		}
	}
	t.Fatalf("there is no section %q", id)
	return nil
}

// rows are the rows of a table's body, cells with a bar between.
func rows(n *html.Node) (lines []string) {
	for _, body := range all(n, atom.Tbody) {
		for _, row := range all(body, atom.Tr) {
			cells := []string{}
			for _, cell := range all(row, atom.Th, atom.Td) {
				cells = append(cells, text(cell))
			}
			lines = append(lines, strings.Join(cells, " | "))
		}
	}
	return lines
}

// Whatever strangers write is text on the page: it makes no element, no attribute and no line, and moves nothing.
func TestWhatStrangersWriteIsText(t *testing.T) {
	plain, _ := rendered(t, reporttest.Strange("x"))
	shape := func(root *html.Node) (names []string) {
		for _, n := range all(root) {
			names = append(names, n.Data)
			for _, a := range n.Attr {
				names = append(names, n.Data+" "+a.Key)
			}
		}
		return names
	}
	root, err := html.Parse(strings.NewReader(plain))
	if err != nil {
		t.Fatal(err)
	}
	want := shape(root)
	for _, hostile := range []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `</style><style>*{display:none}`, `</title><base href=//evil.example>`,
		`javascript:alert(1)`, `<!--`, `]]>`, `{{.Style}}`, `&lt;b&gt;`, "</td></tr></table><h1>All is right</h1>", `<meta http-equiv=refresh content="0;url=//evil.example">`,
	} {
		page, root := rendered(t, reporttest.Strange(hostile))
		if got := shape(root); !slices.Equal(got, want) {
			t.Errorf("%q makes another page: %d elements and attributes, and %d without", hostile, len(got), len(want))
		}
		if n := strings.Count(text(root), strings.Join(strings.Fields(hostile), " ")); n < 30 {
			t.Errorf("%q is to be read %d times:\n%s", hostile, n, page)
		}
	}
	for _, hidden := range []string{"a\u202eb", "a\u2066b", "a\x1b[2Jb", "a\rb", "a\x00b", "a\u0085b", "a\xffb"} {
		page, _ := rendered(t, reporttest.Strange(hidden))
		if strings.ContainsAny(page, "\u202e\u2066\x1b\r\x00\u0085") || strings.Contains(page, "\xff") {
			t.Errorf("%q is on the page", hidden)
		}
	}
}

// Nothing on the page runs, is loaded from elsewhere or leads elsewhere, and the policy says so to the browser: it names this style alone.
func TestThePageIsComplete(t *testing.T) {
	for name, r := range map[string]report.Report{"ordinary": reporttest.Ordinary(), "empty": {}, "strange": reporttest.Strange("https://evil.example/")} {
		_, root := rendered(t, r)
		policy, styles := "", all(root, atom.Style)
		for _, n := range all(root) {
			if slices.Contains([]string{"script", "img", "iframe", "object", "embed", "form", "base", "audio", "video", "foreignobject"}, strings.ToLower(n.Data)) {
				t.Errorf("%s: there is an element %s", name, n.Data)
			}
			if attribute(n, "http-equiv") == "Content-Security-Policy" {
				policy = attribute(n, "content")
			}
			for _, a := range n.Attr {
				if strings.HasPrefix(a.Key, "on") || a.Key == "style" || a.Key == "src" || a.Key == "srcset" {
					t.Errorf("%s: %s has %s=%q", name, n.Data, a.Key, a.Val)
				}
				if a.Key == "href" && !strings.HasPrefix(a.Val, "#") && a.Val != "data:," {
					t.Errorf("%s: %s leads to %q", name, n.Data, a.Val)
				}
			}
		}
		if len(styles) != 1 {
			t.Fatalf("%s: %d styles", name, len(styles))
		}
		style := styles[0].FirstChild.Data
		if strings.Contains(style, "url(") || strings.Contains(style, "@import") || strings.Contains(style, "@font-face") {
			t.Errorf("%s: the style takes something from elsewhere", name)
		}
		sum := sha256.Sum256([]byte(style))
		want := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; img-src data:; base-uri 'none'; form-action 'none'"
		if policy != want {
			t.Errorf("%s: the policy is %q, want %q", name, policy, want)
		}
	}
}

// Who sees no page, or no colours, has all of it: headings go down one step at a time, a table has headers that say of what, each link
// leads somewhere, an id is there once, and each mark has a shape and a word.
func TestThePageIsForEverybody(t *testing.T) {
	for name, r := range map[string]report.Report{"ordinary": reporttest.Ordinary(), "empty": {}, "many": reporttest.Many(30)} {
		_, root := rendered(t, r)
		if attribute(all(root, atom.Html)[0], "lang") != "en" || len(all(root, atom.Main)) != 1 || text(all(root, atom.Title)[0]) == "" {
			t.Errorf("%s: no language, no main part or no title", name)
		}
		before := 0
		for _, h := range all(root, atom.H1, atom.H2, atom.H3, atom.H4) {
			level := int(h.Data[1] - '0')
			if level > before+1 || text(h) == "" || level == 1 && before != 0 {
				t.Errorf("%s: heading %s %q comes after one of level %d", name, h.Data, text(h), before)
			}
			before = level
		}
		ids := map[string]int{}
		for _, n := range all(root) {
			if id := attribute(n, "id"); id != "" {
				ids[id]++
			}
		}
		for id, n := range ids {
			if n != 1 {
				t.Errorf("%s: %d elements are %q", name, n, id)
			}
		}
		for _, n := range all(root) {
			for _, key := range []string{"href", "aria-labelledby"} {
				if to := strings.TrimPrefix(attribute(n, key), "#"); to != "" && to != "data:," && ids[to] == 0 {
					t.Errorf("%s: %s %s is %q, which is not there", name, n.Data, key, to)
				}
			}
			if attribute(n, "class") == "scroll" && attribute(n, "tabindex") != "0" {
				t.Errorf("%s: what scrolls cannot be reached by keyboard", name)
			}
		}
		first := all(root, atom.A)[0]
		if attribute(first, "href") != "#main" {
			t.Errorf("%s: the first link is %q", name, text(first))
		}
		for _, table := range all(root, atom.Table) {
			for _, th := range all(table, atom.Th) {
				if scope := attribute(th, "scope"); scope != "col" && scope != "row" {
					t.Errorf("%s: header %q has no scope", name, text(th))
				}
			}
			columns := len(all(all(table, atom.Thead)[0], atom.Th))
			for _, row := range all(all(table, atom.Tbody)[0], atom.Tr) {
				if cells := all(row, atom.Td, atom.Th); len(cells) != columns || len(all(row, atom.Th)) != 1 {
					t.Errorf("%s: a row of %d columns has %d cells", name, columns, len(cells))
				}
			}
		}
		marks := 0
		for _, n := range all(root, atom.Span) {
			if strings.HasPrefix(attribute(n, "class"), "mark ") {
				marks++
				if text(n) == "" || len(all(n, atom.Svg)) != 1 || attribute(all(n, atom.Svg)[0], "aria-hidden") != "true" {
					t.Errorf("%s: a mark has no word or no shape: %q", name, text(n))
				}
			}
		}
		if marks < 5 {
			t.Errorf("%s: there are %d marks", name, marks)
		}
	}
}

// A thousand teams with everything wrong make a page that a browser opens, and what is listed has a bound.
func TestAPageOfAThousandTeams(t *testing.T) {
	page, root := rendered(t, reporttest.Many(1000))
	if len(page) > 8<<20 || len(all(root, atom.Details)) != 1000 {
		t.Errorf("%d bytes, %d teams", len(page), len(all(root, atom.Details)))
	}
	if n := len(rows(section(t, root, "pushes"))); n != 500 || !strings.Contains(text(section(t, root, "pushes")), "The newest 500 of 5000; tkn quay pushes lists all.") {
		t.Errorf("%d pushes are listed", n)
	}
	if n := len(rows(section(t, root, "refused"))); n != 500 || !strings.Contains(text(section(t, root, "refused")), "The newest 500 of 5000.") {
		t.Errorf("%d refused pushes are listed", n)
	}
	open := 0
	for _, d := range all(root, atom.Details) {
		if slices.ContainsFunc(d.Attr, func(a html.Attribute) bool { return a.Key == "open" }) {
			open++
		}
	}
	if open != 20 {
		t.Errorf("%d teams are open", open)
	}
}
