package verdict

import (
	"encoding/json"
	"errors"
	"io"
	"net/url"

	"github.com/comptech-lab/quay-push/pkg/shown"
)

// Status is how far Quay's scanner is with a manifest, in Quay's own word (quay/quay endpoints/api/secscan.py, SecurityScanStatus).
type Status string

// The statuses that Quay knows.
const (
	Queued      Status = "queued"
	Scanned     Status = "scanned"
	Failed      Status = "failed"
	Unsupported Status = "unsupported"
	TooLarge    Status = "manifest_layer_too_large"
)

// Verdict is what Quay says of one manifest.
type Verdict struct {
	Status Status
	// Packages is how many packages the scanner found in it.
	Packages int
}

// Vulnerability is one in one version of one package.
type Vulnerability struct {
	Package, Version, Name string
	// FixedBy is the version that has it no more; empty where there is none.
	FixedBy  string
	Severity Severity
}

// URL is where the Quay at base, a scheme and a host, tells its verdict on a manifest: repository is organization/name, digest sha256:<64 hex>.
// A robot may ask there, with a User-Agent that names no browser (quay/quay endpoints/api/secscan.py, endpoints/decorators.py).
func URL(base url.URL, repository, digest string) *url.URL {
	base.Path, base.RawQuery = "/api/v1/repository/"+repository+"/manifest/"+digest+"/security", "vulnerabilities=true"
	return &base
}

// Read reads Quay's answer of any size as it comes, with one call of each for every vulnerability in it. What Quay never sends is a
// shape error, see IsShape: an unknown status, a field twice, none of a name that there must be, something other than text. Any other error is that
// of reading, or of each.
func Read(r io.Reader, each func(Vulnerability) error) (Verdict, error) {
	w := newWalker(r)
	var v Verdict
	var status string
	filled := false
	err := w.fields("the answer", map[string]func() error{
		"status": w.text(&status, "the status", false),
		"data": func() (err error) {
			filled, err = w.data(&v, each)
			return err
		},
	})
	if err == nil {
		err = w.end()
	}
	if err != nil {
		return Verdict{}, err
	}
	v.Status = Status(status)
	switch v.Status {
	case Scanned:
		if !filled {
			return Verdict{}, shapeErrorf("it is scanned and has no data")
		}
	case Queued, Failed, Unsupported, TooLarge:
		if filled {
			return Verdict{}, shapeErrorf("it is %s and has data", v.Status)
		}
	default:
		return Verdict{}, shapeErrorf("the status is %q, which Quay had none of", shown.Short(status))
	}
	return v, nil
}

// data passes what the scanner found, and reports whether there was something.
func (w *walker) data(v *Verdict, each func(Vulnerability) error) (filled bool, err error) {
	listed := false
	filled, err = w.nullable("data", map[string]func() error{
		"Layer": func() error {
			return w.fields("Layer", map[string]func() error{
				"Features": func() error {
					listed = true
					return w.each("Features", func() error {
						v.Packages++
						return w.feature(each)
					})
				},
			})
		},
	})
	if err == nil && filled && !listed {
		err = shapeErrorf("data has no field %q", "Layer")
	}
	return filled, err
}

// feature passes one package. Its name may come behind what it has: so that is kept until then.
func (w *walker) feature(each func(Vulnerability) error) error {
	var name, version string
	var found []Vulnerability
	err := w.fields("a feature", map[string]func() error{
		"Name":    w.text(&name, "the name of a feature", false),
		"Version": w.text(&version, "the version of a feature", true),
		"Vulnerabilities": func() error {
			return w.each("Vulnerabilities", func() error {
				v, err := w.vulnerability()
				if found = append(found, v); len(found) > maxPerPackage {
					return shapeErrorf("a package in it has more than %d vulnerabilities", maxPerPackage)
				}
				return err
			})
		},
	})
	if err != nil {
		return err
	}
	for _, v := range found {
		v.Package, v.Version = clip(name), clip(version)
		if err := each(v); err != nil {
			return err
		}
	}
	return nil
}

// vulnerability passes one.
func (w *walker) vulnerability() (Vulnerability, error) {
	var name, fixedBy, severity string
	var score float64
	err := w.fields("a vulnerability", map[string]func() error{
		"Name":     w.text(&name, "the name of a vulnerability", true),
		"FixedBy":  w.text(&fixedBy, "FixedBy", true),
		"Severity": w.text(&severity, "Severity", true),
		"Metadata": func() (err error) {
			score, err = w.score()
			return err
		},
	}, "Metadata")
	return Vulnerability{Name: clip(name), FixedBy: clip(fixedBy), Severity: severityOf(severity, score)}, err
}

// score passes what more there is of a vulnerability, and returns its CVSS score; 0 where there is none.
func (w *walker) score() (score float64, err error) {
	read := func(what, field string, inner func() error) func() error {
		return func() error {
			_, err := w.nullable(what, map[string]func() error{field: inner})
			return err
		}
	}
	err = read("Metadata", "NVD", read("NVD", "CVSSv3", read("CVSSv3", "Score", func() error {
		token, err := w.next()
		score, _ = token.(float64) // Quay writes "" where there is none.
		if _, nested := token.(json.Delim); err == nil && nested {
			return shapeErrorf("the score of a vulnerability is no number")
		}
		return err
	})))()
	return score, err
}

// maxPerPackage is how many vulnerabilities one package may have.
const maxPerPackage = 20_000

// clip bounds what a stranger calls something, and makes it fit to be shown.
func clip(text string) string { return shown.Plain(shown.Cut(text, maxName)) }

// maxName is how long a name or a version may be to be told whole, in bytes.
const maxName = 128

// IsShape reports whether err says that an answer is none of Quay's.
func IsShape(err error) bool { return errors.As(err, new(*shapeError)) }
