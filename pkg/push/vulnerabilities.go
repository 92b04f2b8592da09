package push

import (
	"encoding/json"

	"github.com/comptech-lab/quay-push/pkg/push/gate"
	"github.com/comptech-lab/quay-push/pkg/results"
)

// The result files with what the gate found, of a push that was tagged and of one that was refused.
const (
	vulnerabilitiesResult = "vulnerabilities"
	worstResult           = "vulnerabilities-worst"
)

const (
	// maxWorst is how many bytes the worst vulnerabilities may take of the 4 KiB that Tekton leaves all results of a step, with its quotes.
	maxWorst = 1400
	// maxAll is how many bytes the results of a push that failed may take together, their names and what Tekton adds not counted.
	maxAll = 3300
)

// found are the results with what r has; the worst take up to most bytes.
func found(r *gate.Report, most int) map[string]string {
	return map[string]string{vulnerabilitiesResult: r.Counts(), worstResult: r.WorstJSON(most)}
}

// evidenceVulnerabilities is the file of --evidence with what the gate found.
const evidenceVulnerabilities = "vulnerabilities.json"

// scanEvidence is its content.
type scanEvidence struct {
	Image  string `json:"image"`
	Digest string `json:"digest"`
	// Gate is the policy, such as high+fixable-only.
	Gate      string          `json:"gate"`
	Manifests []*gate.Looked  `json:"manifests"`
	Counts    json.RawMessage `json:"vulnerabilities"`
	// Refusing is how many of them refuse the image.
	Refusing int          `json:"refusing"`
	Worst    []gate.Entry `json:"worst"`
}

// writeVulnerabilities writes it, whether the image passed or not.
func (p *pusher) writeVulnerabilities() error {
	if p.opts.EvidenceDir == "" {
		return nil
	}
	content, err := json.MarshalIndent(scanEvidence{p.to.Name(), p.image.Digest, p.opts.policy.String(), p.report.Images,
		json.RawMessage(p.report.Counts()), p.report.Blocking(), p.report.Entries()}, "", "  ")
	if err == nil {
		err = results.WriteFile(p.opts.EvidenceDir, evidenceVulnerabilities, string(content)+"\n")
	}
	if err != nil {
		return unwritable("--evidence", err)
	}
	return nil
}
