package verdict

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// feature is a package as Quay writes one.
func feature(name, version string, vulnerabilities ...string) string {
	return fmt.Sprintf(`{"Name":%q,"VersionFormat":"","NamespaceName":"","AddedBy":"sha256:0","Version":%q,"BaseScores":[],"CVEIds":[],"Vulnerabilities":[%s]}`,
		name, version, strings.Join(vulnerabilities, ","))
}

func vulnerability(name, severity, fixedBy string, score any) string {
	return fmt.Sprintf(`{"Severity":%q,"NamespaceName":"RHEL8-rhel-8","Link":"https://example.com","FixedBy":%q,"Description":"long","Name":%q,`+
		`"Metadata":{"UpdatedBy":"RHEL8","RepoName":null,"RepoLink":null,"DistroName":"RHEL","DistroVersion":"8","NVD":{"CVSSv3":{"Vectors":"","Score":%v}}}}`, severity, fixedBy, name, score)
}

func scanned(features ...string) string {
	return `{"status":"scanned","data":{"Layer":{"Name":"sha256:0","ParentName":"","NamespaceName":"","IndexedByVersion":4,"Features":[` + strings.Join(features, ",") + `]}}}`
}

func read(answer io.Reader) (v Verdict, found []Vulnerability, err error) {
	v, err = Read(answer, func(v Vulnerability) error { found = append(found, v); return nil })
	return v, found, err
}

func TestRead(t *testing.T) {
	answer := scanned(feature("openssl", "1.1.1k-7", vulnerability("CVE-2023-0286", "High", "1.1.1k-9", 7.4), vulnerability("CVE-2022-1", "Unknown", "", 10)),
		feature("zlib", "1.2"), feature("log4j", "2.14", vulnerability("GHSA-1", "Sunny", "2.15", `""`)))
	want := []Vulnerability{{"openssl", "1.1.1k-7", "CVE-2023-0286", "1.1.1k-9", High}, {"openssl", "1.1.1k-7", "CVE-2022-1", "", Critical}, {"log4j", "2.14", "GHSA-1", "2.15", Unrecognized}}
	for name, r := range map[string]io.Reader{"at once": strings.NewReader(answer), "byte by byte": iotest.OneByteReader(strings.NewReader(answer)), "with a line behind it": strings.NewReader(answer + "\n")} {
		v, found, err := read(r)
		if diff := cmp.Diff(want, found); v != (Verdict{Scanned, 3}) || err != nil || diff != "" {
			t.Errorf("%s: %+v, %v\n%s", name, v, err, diff)
		}
	}
	for _, status := range []Status{Queued, Failed, Unsupported, TooLarge} {
		if v, found, err := read(strings.NewReader(fmt.Sprintf(`{"data":null,"status":%q}`, status))); v != (Verdict{Status: status}) || found != nil || err != nil {
			t.Errorf("%s: %+v, %v, %v", status, v, found, err)
		}
	}
	// What may be missing, or null: a package without a version, a vulnerability without metadata.
	bare := scanned(`{"Name":"a","Version":null,"Vulnerabilities":[{"Name":null,"Severity":"Low","FixedBy":null},{"Name":"b","Severity":null,"FixedBy":"","Metadata":{"NVD":null}}]}`)
	_, found, err := read(strings.NewReader(bare))
	if diff := cmp.Diff([]Vulnerability{{"a", "", "", "", Low}, {"a", "", "b", "", Unrecognized}}, found); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

// What Quay never sent is no verdict, least of all one that lets an image pass.
func TestReadRefuses(t *testing.T) {
	ok := vulnerability("CVE-1", "Low", "", 0)
	for says, answers := range map[string][]string{
		"it ends too early":                                       {"", `{"status":`, `{"status":"queued","data":null`, scanned(feature("a", "1"))[:100]},
		"it is no JSON":                                           {"<html>", `{"status" "queued"}`, `{status:1}`},
		`the answer does not begin with "{"`:                      {`[]`, `null`, `"scanned"`, `1`},
		`the answer has no field "status"`:                        {`{"data":null}`},
		`the answer has no field "data"`:                          {`{}`, `{"status":"queued"}`, `{"status":"scanned"}`},
		`the status is "passed"`:                                  {`{"status":"passed","data":null}`},
		`the status is ""`:                                        {`{"status":"","data":null}`},
		"the status is no text":                                   {`{"status":null,"data":null}`, `{"status":{},"data":null}`, `{"status":1,"data":null}`},
		"it is scanned and has no data":                           {`{"status":"scanned","data":null}`},
		"it is queued and has data":                               {strings.Replace(scanned(feature("a", "1", ok)), "scanned", "queued", 1)},
		`the field "status" twice`:                                {`{"status":"scanned","status":"queued","data":null}`},
		`the field "Status", which is not`:                        {`{"Status":"queued","data":null}`, `{"status":"queued","Status":"x","data":null}`},
		`data has no field "Layer"`:                               {`{"status":"scanned","data":{}}`},
		"data is no object":                                       {`{"status":"scanned","data":[]}`, `{"status":"scanned","data":"x"}`},
		`Layer has no field "Features"`:                           {`{"status":"scanned","data":{"Layer":{}}}`},
		`Features does not begin with "["`:                        {`{"status":"scanned","data":{"Layer":{"Features":null}}}`, `{"status":"scanned","data":{"Layer":{"Features":{}}}}`},
		`a feature has no field "Vulnerabilities"`:                {scanned(`{"Name":"a","Version":"1"}`)},
		`Vulnerabilities does not begin with "["`:                 {scanned(`{"Name":"a","Version":"1","Vulnerabilities":null}`)},
		`a feature has no field "Name"`:                           {scanned(`{"Version":"1","Vulnerabilities":[]}`)},
		`a feature has the field "Vulnerabilities" twice`:         {scanned(`{"Name":"a","Version":"1","Vulnerabilities":[` + ok + `],"Vulnerabilities":[]}`)},
		`a feature has the field "vulnerabilities", which is not`: {scanned(`{"Name":"a","Version":"1","Vulnerabilities":[],"vulnerabilities":[` + ok + `]}`)},
		`a vulnerability has no field "Severity"`:                 {scanned(feature("a", "1", `{"Name":"b","FixedBy":""}`))},
		`a vulnerability has the field "Severity" twice`:          {scanned(feature("a", "1", `{"Name":"b","FixedBy":"","Severity":"High","Severity":"Low"}`))},
		"Severity is no text":                                     {scanned(feature("a", "1", `{"Name":"b","FixedBy":"","Severity":5}`))},
		"something follows the answer":                            {`{"status":"queued","data":null} {}`, `{"status":"queued","data":null}x`},
		"nested more than 32 deep":                                {`{"x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `,"status":"queued","data":null}`},
		"a text in it has more than 1048576 bytes":                {`{"x":"` + strings.Repeat("y", 3<<20) + `"}`},
		"more than 20000 vulnerabilities":                         {scanned(feature("a", "1", strings.Repeat(ok+",", 20_000)+ok))},
	} {
		for _, answer := range answers {
			if v, _, err := read(strings.NewReader(answer)); !IsShape(err) || !strings.Contains(err.Error(), says) || v != (Verdict{}) {
				t.Errorf("%.100s: %+v, %v, want a shape error with %q", answer, v, err, says)
			}
		}
	}
}

// An answer that breaks off is no verdict, and may come whole the next time; what to do with a vulnerability can fail, too.
func TestReadFails(t *testing.T) {
	broken := errors.New("connection reset")
	_, _, err := read(io.MultiReader(strings.NewReader(`{"status":"scanned","data":{`), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) || IsShape(err) {
		t.Errorf("error is %v", err)
	}
	full := errors.New("full")
	if _, err := Read(strings.NewReader(scanned(feature("a", "1", vulnerability("b", "Low", "", 0)))), func(Vulnerability) error { return full }); !errors.Is(err, full) {
		t.Errorf("error is %v", err)
	}
}

// endless is an answer without an end, of packages without a vulnerability.
type endless struct{ rest []byte }

func (e *endless) Read(p []byte) (int, error) {
	if len(e.rest) == 0 {
		e.rest = bytes.Repeat([]byte(feature("a", "1", vulnerability("b", "Low", strings.Repeat("x", 1000), 0))+","), 100)
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

// However large an answer is, reading it takes little memory, and ends.
func TestReadTakesLittleMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 256 MiB")
	}
	var most uint64
	n := 0
	start, _, _ := strings.Cut(scanned("X"), "X")
	_, err := Read(io.MultiReader(strings.NewReader(start), &endless{}), func(Vulnerability) error {
		if n++; n%10_000 == 0 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
		}
		return nil
	})
	if !IsShape(err) || !strings.Contains(err.Error(), "it has more than 268435456 bytes") || n < 100_000 {
		t.Errorf("after %d: %v", n, err)
	}
	if most > 24<<20 {
		t.Errorf("it took %d bytes", most)
	}
}

// FuzzRead reads anything: what it takes has a status of Quay's, and is told in words that are bounded.
func FuzzRead(f *testing.F) {
	f.Add([]byte(scanned(feature("a", "1", vulnerability("b", "High", "2", 1)))))
	f.Add([]byte(`{"status":"queued","data":null}`))
	f.Add([]byte(`{"status":"scanned","data":{"Layer":{"Features":[{"Vulnerabilities":[{}],"Name":"","Version":null}]}}}`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		v, found, err := read(bytes.NewReader(answer))
		switch {
		case err != nil && !IsShape(err):
			t.Errorf("error is %v", err)
		case err != nil:
		case len(found) > 0 && v.Status != Scanned, v.Status == "":
			t.Errorf("%+v with %d", v, len(found))
		}
		for _, v := range found {
			if len(v.Package) > 2*maxName || v.Severity <= None || v.Severity >= severities || strings.ContainsAny(v.Name+v.Package+v.Version+v.FixedBy, "\n\x1b") {
				t.Errorf("%+v", v)
			}
		}
	})
}
