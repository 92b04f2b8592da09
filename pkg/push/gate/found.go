package gate

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/comptech-lab/quay-push/pkg/push/verdict"
)

// Found is what a gate found in an image.
type Found struct {
	*verdict.Report
	// Images are the manifests that were asked for.
	Images []*Looked
}

// Looked is what is known of one.
type Looked struct {
	Image
	Status   verdict.Status `json:"status"`
	Packages int            `json:"packages"`

	// since is when it began to be so, err why it could not be asked for last.
	since time.Time
	err   error
	final bool
}

// waiting are those of which there is no final verdict.
func (f *Found) waiting() (left []*Looked) {
	for _, image := range f.Images {
		if !image.final {
			left = append(left, image)
		}
	}
	return left
}

// The result files with what was found, of a push that was tagged and of one that was refused.
const (
	CountsResult = "vulnerabilities"
	WorstResult  = "vulnerabilities-worst"
)

// Counts is how many vulnerabilities there are of each severity, as one JSON object. Images that were not scanned are counted in front, by
// what Quay says of them, such as "unsupported"; where none was scanned there are no severities, as a zero would be no finding.
func (f *Found) Counts() string {
	var parts []string
	scanned := len(f.Images) == 0
	for _, status := range []verdict.Status{verdict.Unsupported, verdict.TooLarge, verdict.Failed, verdict.Queued} {
		n := 0
		for _, image := range f.Images {
			scanned = scanned || image.Status == verdict.Scanned
			if image.Status == status {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%q:%d", status, n))
		}
	}
	counts := f.Report.Counts()
	if len(parts) == 0 {
		return counts
	}
	if scanned {
		parts = append(parts, strings.Trim(counts, "{}"))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// Results are their contents; the worst take up to most bytes, quoted.
func (f *Found) Results(most int) map[string]string {
	return map[string]string{CountsResult: f.Counts(), WorstResult: f.WorstJSON(most)}
}

// Evidence is what was found, as a file: of image, host/organization/name, with its digest, under p.
func (f *Found) Evidence(image, digest string, p verdict.Policy) ([]byte, error) {
	return json.MarshalIndent(struct {
		Image    string          `json:"image"`
		Digest   string          `json:"digest"`
		Gate     string          `json:"gate"`
		Images   []*Looked       `json:"manifests"`
		Counts   json.RawMessage `json:"vulnerabilities"`
		Refusing int             `json:"refusing"`
		Worst    []verdict.Entry `json:"worst"`
	}{image, digest, p.String(), f.Images, json.RawMessage(f.Counts()), f.Blocking(), f.Entries()}, "", "  ")
}
