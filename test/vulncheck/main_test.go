package main

import (
	"os"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	recorded, err := os.ReadFile("testdata/scan.json")
	if err != nil {
		t.Fatal(err)
	}
	const tekton, http2 = "GO-2023-1901 It is another's controller.\n", "GO-2026-6610 Nothing here is a proxy.\n"
	for _, test := range []struct {
		name, list string
		// problems are the first words of what is wrong.
		problems []string
	}{
		{"all are accepted", tekton + http2, nil},
		{"one is unlisted, in two modules", tekton, []string{"GO-2026-6610: ", "GO-2026-6610: "}},
		{"one is stale, for it is only required", tekton + http2 + "GO-2026-5932 Nobody signs with it.\n", []string{"GO-2026-5932 is accepted, but no program reaches it any more"}},
		{"one is accepted without a reason", tekton + "GO-2026-6610\n", []string{"reading accepted.txt: GO-2026-6610 does not say why it is accepted"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out strings.Builder
			err := check(strings.NewReader(string(recorded)), test.list, &out)
			if len(test.problems) == 0 {
				const want = "Scanned for go1.26.8 with file:///root/go/pkg/mod/golang.org/x/vulndb@v0.0.0-20261105234957-e22db6528018/data/osv\n" +
					"  accepted GO-2023-1901: It is another's controller.\n  accepted GO-2026-6610: Nothing here is a proxy.\n" +
					"No other known vulnerability is reached.\n"
				if err != nil || out.String() != want {
					t.Errorf("error %v, output\n%s\nwant\n%s", err, out.String(), want)
				}
				return
			}
			if err == nil {
				t.Fatalf("no error, want %q", test.problems)
			}
			var problems []string
			for line := range strings.Lines(err.Error()) {
				if !strings.HasPrefix(line, "  ") {
					problems = append(problems, line)
				}
			}
			if len(problems) != len(test.problems) {
				t.Fatalf("problems %q, want %q", problems, test.problems)
			}
			for i, want := range test.problems {
				if !strings.HasPrefix(problems[i], want) {
					t.Errorf("problem %q, want %q", problems[i], want)
				}
			}
		})
	}
	if err := check(strings.NewReader(""), tekton, &strings.Builder{}); err == nil || err.Error() != "reading the scan: no Go version in it: the scan did not run" {
		t.Errorf("no scan: error %v", err)
	}
}
