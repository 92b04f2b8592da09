//go:build browser

package browser

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/comptech-lab/quay-push/internal/reporttest"
	"github.com/comptech-lab/quay-push/pkg/report"
)

var update = flag.Bool("update", false, "write docs/report.png")

// picture is what docs/report.md shows.
const picture = "../../docs/report.png"

// site serves pages on this machine, and notes what it is asked for.
type site struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string
}

// serve serves a page as /.
func serve(t testing.TB, text string) *site {
	t.Helper()
	s := &site{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if r.URL.Path != "/" {
			s.asked = append(s.asked, r.URL.Path)
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, strings.ReplaceAll(text, "SITE", s.URL))
	}))
	t.Cleanup(s.Close)
	return s
}

// others are the paths besides / that the site was asked for.
func (s *site) others() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// render returns the page of a report.
func render(t testing.TB, r report.Report) string {
	t.Helper()
	var out bytes.Buffer
	if err := r.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// visit opens the page of a report in a new tab.
func visit(t testing.TB, r report.Report) (*Tab, *site) {
	t.Helper()
	b, s := Open(t), serve(t, render(t, r))
	b.Visit(s.URL + "/")
	return b, s
}

// axe is the source of axe-core.
func axe(t testing.TB) string {
	t.Helper()
	source, err := os.ReadFile(os.Getenv("AXE"))
	if err != nil {
		t.Fatalf("make report names the file of axe-core in $AXE: %v", err)
	}
	return string(source)
}

// The page asks nobody for anything, also as a file, and is shown in its own style.
func TestNoRequestLeavesThePage(t *testing.T) {
	b, s := visit(t, reporttest.Ordinary())
	if got := b.Elsewhere(s.URL + "/"); len(got) > 0 || len(s.others()) > 0 {
		t.Errorf("it asks for %q, %q", got, s.others())
	}
	if got := Ask[string](b, `getComputedStyle(document.querySelector(".mark")).borderTopStyle`); got != "solid" {
		t.Errorf("the border of a mark is %q: the policy keeps the style off", got)
	}
	file := t.TempDir() + "/report.html"
	if err := os.WriteFile(file, []byte(render(t, reporttest.Ordinary())), 0o600); err != nil {
		t.Fatal(err)
	}
	b.Visit("file://" + file)
	if got := b.Elsewhere("file://" + file); len(got) > 0 || Ask[string](b, "document.title") != "Pushes to quay.example.com, 2026-11-30 09:12" {
		t.Errorf("the file asks for %q", got)
	}
}

// What strangers wrote runs nothing and asks nobody. And were there markup of theirs all the same, the policy would stop it.
func TestNothingOfStrangersRuns(t *testing.T) {
	const hostile = `"><img src=SITE/leak onerror="alert(1)"></style><script>alert(2);fetch("SITE/leak")</script><link rel=stylesheet href=SITE/leak>`
	b, s := visit(t, reporttest.Strange(hostile))
	if got := b.Elsewhere(s.URL + "/"); len(got) > 0 || len(s.others()) > 0 {
		t.Errorf("it asks for %q, %q", got, s.others())
	}
	if n := Ask[int](b, `document.images.length + document.scripts.length`); n != 0 {
		t.Errorf("there are %d images and scripts", n)
	}
	// The scripts below are put there by the browser's own protocol, to which no policy applies; what they put into the page is the page's.
	Ask[chromedp.Void](b, `for (const [kind, at] of [["script", "src"], ["img", "src"], ["link", "href"], ["iframe", "src"]]) {
		const e = document.createElement(kind); e.rel = "stylesheet"; e[at] = location.origin + "/leak"; document.body.append(e) }
		const inline = document.createElement("script"); inline.textContent = "window.ran = true"; document.body.append(inline)`)
	Ask[chromedp.Void](b, `new Promise(done => requestAnimationFrame(() => setTimeout(done, 0)))`)
	if len(s.others()) > 0 || Ask[bool](b, "window.ran === true") {
		t.Errorf("the policy lets it ask for %q, or run", s.others())
	}
}

// The checkers see what they are there to see: a page with a script, an image, and what nobody can read.
func TestTheCheckersSee(t *testing.T) {
	b, s := Open(t), serve(t, `<!doctype html><html><body style="background:#fff"><p style="color:#bbb">pale</p><img src="SITE/leak"><script>alert("here")</script></body></html>`)
	b.Visit(s.URL + "/")
	if got := b.Elsewhere(s.URL + "/"); !slices.Contains(got, s.URL+"/leak") || !slices.Contains(got, "here") || !slices.Contains(s.others(), "/leak") {
		t.Errorf("seen are %q, %q", got, s.others())
	}
	found := map[string]bool{}
	for _, f := range b.Axe(axe(t)) {
		found[f.ID+" "+f.Impact] = true
	}
	if !found["color-contrast serious"] || !found["image-alt critical"] || !found["html-has-lang serious"] {
		t.Errorf("axe finds %v", found)
	}
}

// Nothing keeps anybody from reading the page: light, dark, narrow, with all teams open, with no team.
func TestEverybodyCanReadIt(t *testing.T) {
	source := axe(t)
	for name, r := range map[string]report.Report{"ordinary": reporttest.Ordinary(), "empty": {Made: reporttest.Now, Registry: "quay.example.com"}} {
		b, _ := visit(t, r)
		Ask[chromedp.Void](b, `document.querySelectorAll("details").forEach(d => d.open = true)`)
		backgrounds := map[string]bool{}
		for _, scheme := range []string{"light", "dark"} {
			b.Show("screen", scheme)
			backgrounds[Ask[string](b, "getComputedStyle(document.body).backgroundColor")] = true
			for _, width := range []int64{1280, 320} {
				b.Do(chromedp.EmulateViewport(width, 900))
				for _, f := range b.Axe(source) {
					t.Errorf("%s, %s, %d wide: %s", name, scheme, width, f)
				}
				if got := Ask[int64](b, "document.scrollingElement.scrollWidth"); got > width {
					t.Errorf("%s, %s: on a screen %d wide the page is %d wide", name, scheme, width, got)
				}
			}
		}
		if len(backgrounds) != 2 {
			t.Errorf("%s: light and dark are %v", name, backgrounds)
		}
	}
}

// focus is where the keyboard is.
type focus struct {
	Tag, Text, Outline string
	Summary, Place     int
	Width              float64
}

// By keyboard every part is reached in the order of the page, it is seen where one is, and what is closed opens.
func TestByKeyboard(t *testing.T) {
	b, _ := visit(t, reporttest.Ordinary())
	const where = `(() => { const e = document.activeElement, s = getComputedStyle(e);
		return {Tag: e.tagName, Text: e.textContent.trim().slice(0, 40), Outline: s.outlineStyle, Width: parseFloat(s.outlineWidth),
			Summary: [...document.querySelectorAll("summary")].indexOf(e), Place: [...document.querySelectorAll("*")].indexOf(e)} })()`
	b.Do(chromedp.KeyEvent(kb.Tab))
	first := Ask[focus](b, where)
	if first.Text != "Skip to the report" || Ask[float64](b, "document.activeElement.getBoundingClientRect().left") < 0 {
		t.Errorf("the first is %+v", first)
	}
	reached, last := []int{}, focus{Place: -1}
	for range 200 {
		at := Ask[focus](b, where)
		if at.Tag == "BODY" || at.Place < last.Place {
			break
		}
		if at.Place == last.Place {
			t.Fatalf("the keyboard stays at %+v", at)
		}
		if at.Outline == "none" || at.Width < 2 {
			t.Errorf("nobody sees that the keyboard is at %+v", at)
		}
		if at.Summary >= 0 {
			reached = append(reached, at.Summary)
		}
		last = at
		b.Do(chromedp.KeyEvent(kb.Tab))
	}
	want := []int{}
	for i := range Ask[int](b, `document.querySelectorAll("summary").length`) {
		want = append(want, i)
	}
	if !slices.Equal(reached, want) || len(want) != 10 {
		t.Errorf("of %d summaries it comes to %v", len(want), reached)
	}
	Ask[chromedp.Void](b, `window.at = document.querySelector("details:not([open])"); at.querySelector("summary").focus()`)
	b.Do(chromedp.KeyEvent(kb.Enter))
	if !Ask[bool](b, "at.open") {
		t.Error("Enter does not open a team")
	}
	Ask[chromedp.Void](b, `window.at = document.getElementById("team-warehouse").closest("details"); document.querySelector("a[href='#team-warehouse']").focus()`)
	if Ask[bool](b, "at.open") {
		t.Error("a team that is right is open")
	}
	b.Do(chromedp.KeyEvent(kb.Enter))
	if !Ask[bool](b, `at.open && at.querySelector("summary").getBoundingClientRect().top >= 0 && at.getBoundingClientRect().top < innerHeight`) {
		t.Error("the link to a team that is closed does not open it where it is to be seen")
	}
	Ask[chromedp.Void](b, `document.querySelector(".skip").focus()`)
	b.Do(chromedp.KeyEvent(kb.Enter), chromedp.KeyEvent(kb.Tab))
	if after := Ask[bool](b, `document.querySelector("main").contains(document.activeElement)`); !after {
		t.Errorf("the link to the report leads to %+v", Ask[focus](b, where))
	}
}

// On paper there is all of it, dark on white, whatever the screen is.
func TestOnPaper(t *testing.T) {
	b, _ := visit(t, reporttest.Ordinary())
	b.Show("print", "dark")
	if got := Ask[string](b, "getComputedStyle(document.body).color + getComputedStyle(document.body).backgroundColor"); got != "rgb(23, 32, 42)rgb(255, 255, 255)" {
		t.Errorf("colours are %s", got)
	}
	if n := Ask[int](b, `[...document.querySelectorAll("details:not([open]) table")].filter(t => t.checkVisibility({contentVisibilityAuto: true}) && t.getBoundingClientRect().height > 50).length`); n != 6 {
		t.Errorf("of 6 closed teams %d are printed", n)
	}
	if Ask[bool](b, `document.querySelector("nav").checkVisibility()`) {
		t.Error("links are printed that lead nowhere on paper")
	}
	data, err := chromedp.Run(b.ctx, chromedp.PrintToPDF())
	if err != nil || !bytes.HasPrefix(data, []byte("%PDF-")) || len(data) < 20_000 {
		t.Errorf("%d bytes are printed: %v", len(data), err)
	}
}

// A page of a thousand teams, all of them wrong, opens.
func TestAThousandTeams(t *testing.T) {
	b, _ := visit(t, reporttest.Many(1000))
	if n := Ask[int](b, `document.querySelectorAll("details").length`); n != 1000 {
		t.Errorf("%d teams are there", n)
	}
}

// smaller returns a picture with the 256 colours that it has most of, as a drawing of letters and lines needs no more.
func smaller(data []byte) ([]byte, error) {
	decoded, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	size := decoded.Bounds()
	times := map[color.Color]int{}
	for y := range size.Dy() {
		for x := range size.Dx() {
			times[decoded.At(x, y)]++
		}
	}
	colors := slices.SortedFunc(maps.Keys(times), func(a, b color.Color) int {
		return cmp.Or(cmp.Compare(times[b], times[a]), strings.Compare(fmt.Sprint(a), fmt.Sprint(b)))
	})
	few := image.NewPaletted(size, colors[:min(256, len(colors))])
	draw.Draw(few, size, decoded, image.Point{}, draw.Src)
	var out bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, few)
	return out.Bytes(), err
}

// The picture in the documentation is one of this page; -update takes it.
func TestPicture(t *testing.T) {
	const width, height = 1280, 1760
	if *update {
		b, _ := visit(t, reporttest.Ordinary())
		b.Show("screen", "light")
		b.Do(chromedp.EmulateViewport(width, height))
		// What is to be seen is painted by the second frame.
		Ask[chromedp.Void](b, `new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))`)
		data, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
		if err != nil {
			t.Fatal(err)
		}
		if data, err = smaller(data); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(picture, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(picture)
	if err != nil {
		t.Fatal(err)
	}
	config, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil || config.Width != width || config.Height != height || len(data) > 300_000 {
		t.Errorf("%d bytes, %d by %d, %v", len(data), config.Width, config.Height, err)
	}
}
