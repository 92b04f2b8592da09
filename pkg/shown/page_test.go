package shown_test

import (
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/shown"
)

func TestPage(t *testing.T) {
	for body, want := range map[string]string{
		"":       "",
		"<html>": "",
		"<html><title>Request Rejected</title>The requested URL was rejected. Your support ID is: 1234</html>": "Request Rejected The requested URL was rejected. Your support ID is: 1234",
		"<style>body { color: red }</style><p>Access&nbsp;denied &lt;WAF&gt;</p><script>alert('x')":            "Access denied <WAF>",
		"<!-- a <b>comment</b> --><h1\nclass=x>502 Bad Gateway</h1>":                                           "502 Bad Gateway",
		"upstream connect error\r\n\x1b[31mreset\x00":                                                          "upstream connect error [31mreset",
		"1 < 2 and 3 > 2":               "1 < 2 and 3 > 2",
		"<p>cut off <a href=":           "cut off",
		"\xff\xfetext":                  "text",
		"a&#8238;b&#xFFFD;c":            "a b c",
		"<!-- a comment without an end": "",
	} {
		if got := shown.Page(body); got != want {
			t.Errorf("Page(%q) = %q, want %q", body, got, want)
		}
	}
	if got := shown.Page(strings.Repeat("word ", 100_000)); len(got) > 32<<10 {
		t.Errorf("%d bytes are told", len(got))
	}
}
