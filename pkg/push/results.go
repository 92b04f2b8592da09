package push

import (
	"encoding/json"
	"maps"
	"strconv"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/gate"
	"github.com/comptech-lab/quay-push/pkg/results"
)

// resultNames are the result files: those of Tekton Chains, those of the overlay Tasks, the image's two other forms, and what
// the controller counts; with a gate also what it found.
var resultNames = []string{"IMAGE_URL", "IMAGE_DIGEST", "image-digest", "image-ref", "image-pinned", "overlay-image", "pushed-bytes",
	gate.CountsResult, gate.WorstResult}

// overlayImage is one item of the images list in a kustomization (kustomize types.Image).
type overlayImage struct {
	Name    string `json:"name"`
	NewName string `json:"newName"`
	Digest  string `json:"digest"`
}

const (
	// maxWorst is how many bytes the worst vulnerabilities may take of the 4 KiB that Tekton leaves all results of a step, quoted.
	maxWorst = 1400
	// maxAll is how many bytes the results of a push that failed may take together, their names and what Tekton adds not counted.
	maxAll = 3300
)

// values are the contents of the result files.
func (r Result) values() (map[string]string, error) {
	overlay, err := json.Marshal(overlayImage{r.Image, r.Image, r.Digest})
	if err != nil {
		return nil, err
	}
	return map[string]string{
		"IMAGE_URL":     r.Image + ":" + r.Tags[0],
		"IMAGE_DIGEST":  r.Digest,
		"image-digest":  r.Digest,
		"image-ref":     r.Image,
		"image-pinned":  r.Pinned(),
		"overlay-image": string(overlay),
		"pushed-bytes":  strconv.FormatInt(r.SentBytes, 10),
	}, nil
}

// openResults makes sure, before anything is sent, that results and evidence can be written, and removes those of an earlier run.
func (p *pusher) openResults() (results.Dir, error) {
	if p.opts.readOnly() {
		return "", nil
	}
	if err := results.Dir(p.opts.EvidenceDir).Prepare(evidenceFile, evidenceDigest, evidenceVulnerabilities); err != nil {
		return "", unwritable("--evidence", err)
	}
	dir := results.Dir(p.opts.ResultsDir)
	if err := dir.Prepare(append([]string{failureResult}, resultNames...)...); err != nil {
		return "", unwritable("--results-dir", err)
	}
	return dir, nil
}

// writeResults writes the result files of r, and what the gate found.
func (p *pusher) writeResults(dir results.Dir, r Result) error {
	values, err := r.values()
	if err != nil {
		return err
	}
	if p.found != nil {
		maps.Copy(values, p.found.Results(maxWorst))
	}
	if err := dir.Write(values); err != nil {
		return unwritable("--results-dir", err)
	}
	return nil
}

// unwritable is the error for a directory that takes no file.
func unwritable(flag string, err error) error {
	return &failure.Error{Class: failure.ClassResultsUnwritable, Problem: "the files of " + flag + " cannot be written", Err: err,
		Next: "the directory must exist and be writable"}
}
