package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseExcuses(t *testing.T) {
	excuses, err := parseExcuses("# why\n\nGO-2023-1901 The flaw is elsewhere.\n  GO-2026-10000   Nobody calls it so.  \n")
	if err != nil {
		t.Fatal(err)
	}
	want := []excuse{{"GO-2023-1901", "The flaw is elsewhere."}, {"GO-2026-10000", "Nobody calls it so."}}
	if diff := cmp.Diff(want, excuses, cmp.AllowUnexported(excuse{})); diff != "" {
		t.Errorf("excuses (-want +got):\n%s", diff)
	}
	for list, want := range map[string]string{
		"GO-2023-1901":       "GO-2023-1901 does not say why it is accepted",
		"GO-2023-1901  \t ":  "GO-2023-1901 does not say why it is accepted",
		"CVE-2023-37264 No.": `line "CVE-2023-37264 No." does not begin with an ID such as GO-2026-1234`,
		"GO-2023-1901: No.":  `line "GO-2023-1901: No." does not begin with an ID such as GO-2026-1234`,
		"* all":              `line "* all" does not begin with an ID such as GO-2026-1234`,
		"GO-2023-1901 No.\nGO-2023-1901 Not now.": "GO-2023-1901 is listed twice",
	} {
		if _, err := parseExcuses(list); err == nil || err.Error() != want {
			t.Errorf("list %q: error %v, want %s", list, err, want)
		}
	}
}

func TestAcceptedListIsReadable(t *testing.T) {
	if _, err := parseExcuses(acceptedList); err != nil {
		t.Errorf("accepted.txt: %v", err)
	}
}

func TestJudge(t *testing.T) {
	net := finding{id: "GO-2026-0001", summary: "A flaw", module: "golang.org/x/net", version: "v0.59.0", fixed: "v0.60.0", from: "cmd/tkn-quay.main", to: "golang.org/x/net/http2.Framer.ReadFrame"}
	std, unmended := net, net
	std.module, std.version, std.fixed = "stdlib", "v1.26.8", "v1.26.9"
	unmended.fixed = ""
	const seen = "GO-2026-0001: A flaw\n  cmd/tkn-quay.main reaches golang.org/x/net/http2.Framer.ReadFrame of "
	const accept = "say in test/vulncheck/accepted.txt why GO-2026-0001 does no harm"
	for _, test := range []struct {
		name    string
		reached []finding
		excuses []excuse
		want    []string
	}{
		{"nothing", nil, nil, nil},
		{"accepted", []finding{net}, []excuse{{net.id, "No."}}, nil},
		{"unlisted", []finding{net}, nil, []string{seen + "golang.org/x/net v0.59.0\n  next: go get golang.org/x/net@v0.60.0, or " + accept}},
		{"unlisted, of Go", []finding{std}, nil, []string{seen + "stdlib v1.26.8\n  next: go get toolchain@go1.26.9, or " + accept}},
		{"unlisted, not mended", []finding{unmended}, nil, []string{seen + "golang.org/x/net v0.59.0\n  next: no version mends it: " + accept}},
		{"stale", nil, []excuse{{"GO-2026-0002", "No."}}, []string{"GO-2026-0002 is accepted, but no program reaches it any more\n  next: remove it from test/vulncheck/accepted.txt"}},
		{"unlisted and stale", []finding{unmended}, []excuse{{"GO-2026-0002", "No."}}, []string{
			seen + "golang.org/x/net v0.59.0\n  next: no version mends it: " + accept,
			"GO-2026-0002 is accepted, but no program reaches it any more\n  next: remove it from test/vulncheck/accepted.txt"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, judge(test.reached, test.excuses)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}
