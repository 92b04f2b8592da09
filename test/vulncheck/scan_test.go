package main

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// recorded is what govulncheck said about this repository when Go was 1.26.8 and golang.org/x/net v0.59.0, with fewer
// vulnerabilities and fewer ways to each.
func recorded(t *testing.T) scan {
	t.Helper()
	file, err := os.Open("testdata/scan.json")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	s, err := readScan(file)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What is only required, or only imported, is not reached.
func TestReadScan(t *testing.T) {
	want := scan{goVersion: "go1.26.8", database: "file:///root/go/pkg/mod/golang.org/x/vulndb@v0.0.0-20261105234957-e22db6528018/data/osv", reached: []finding{
		{id: "GO-2023-1901", summary: "Pipelines do not validate child UIDs in github.com/tektoncd/pipeline", module: "github.com/tektoncd/pipeline", version: "v1.15.0",
			from: "github.com/comptech-lab/quay-push/cmd/controller.init", to: "github.com/tektoncd/pipeline/pkg/client/clientset/versioned/scheme.init", steps: 4},
		{id: "GO-2026-6610", summary: "HTTP/2 transport accepts malformed framing-related headers in net/http", module: "golang.org/x/net", version: "v0.59.0", fixed: "v0.60.0",
			from: "github.com/comptech-lab/quay-push/cmd/controller.main", to: "golang.org/x/net/http2.noDialH2RoundTripper.RoundTrip", steps: 14},
		{id: "GO-2026-6610", summary: "HTTP/2 transport accepts malformed framing-related headers in net/http", module: "stdlib", version: "v1.26.8", fixed: "v1.26.9",
			from: "github.com/comptech-lab/quay-push/cmd/controller.main", to: "net/http.Transport.RoundTrip", steps: 14},
	}}
	if diff := cmp.Diff(want, recorded(t), cmp.AllowUnexported(scan{}, finding{})); diff != "" {
		t.Errorf("the recorded scan (-want +got):\n%s", diff)
	}
}

func TestReadScanRefuses(t *testing.T) {
	const (
		config = `{"config":{"db":"file:///db","go_version":"go1.26.11","scan_level":"symbol","scan_mode":"source"}}`
		known  = `{"osv":{"id":"GO-2026-0001","summary":"A flaw"}}`
	)
	for _, test := range []struct{ name, stream, want string }{
		{"nothing", "", "no Go version in it: the scan did not run"},
		{"no config", known, "no Go version in it: the scan did not run"},
		{"cut off", config + known + `{"finding":{"osv":`, "unexpected EOF"},
		{"an empty database", config, `the database "file:///db" knows no vulnerability of any module`},
		{"packages only", strings.Replace(config, "symbol", "package", 1) + known, `mode "source" at level "package" does not tell which functions are reached: want mode "source" at level "symbol"`},
		{"a binary", strings.Replace(config, "source", "binary", 1) + known, `mode "binary" at level "symbol" does not tell which functions are reached: want mode "source" at level "symbol"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := readScan(strings.NewReader(test.stream)); err == nil || err.Error() != test.want {
				t.Errorf("error %v, want %s", err, test.want)
			}
		})
	}
	if s, err := readScan(strings.NewReader(config + known)); err != nil || len(s.reached) != 0 {
		t.Errorf("a scan that finds nothing: %v, error %v", s.reached, err)
	}
}

func TestReadScanTakesTheShortestWay(t *testing.T) {
	const stream = `{"config":{"go_version":"go1.26.11","scan_level":"symbol","scan_mode":"source"}}{"osv":{"id":"GO-2026-0001"}}
{"finding":{"osv":"GO-2026-0001","trace":[{"module":"m","package":"m/p","function":"F"},{"package":"m/q","function":"G"},{"package":"cmd/far","function":"main"}]}}
{"finding":{"osv":"GO-2026-0001","trace":[{"module":"m","package":"m/p","receiver":"*T","function":"F"},{"package":"cmd/near","function":"main"}]}}
{"finding":{"osv":"GO-2026-0001","trace":[{"module":"m","package":"m/p","function":"H"},{"package":"m/q","function":"G"},{"package":"cmd/far","function":"main"}]}}`
	s, err := readScan(strings.NewReader(stream))
	if err != nil {
		t.Fatal(err)
	}
	want := []finding{{id: "GO-2026-0001", module: "m", from: "cmd/near.main", to: "m/p.T.F", steps: 2}}
	if diff := cmp.Diff(want, s.reached, cmp.AllowUnexported(finding{})); diff != "" {
		t.Errorf("reached (-want +got):\n%s", diff)
	}
}
