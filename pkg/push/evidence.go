package push

import (
	"encoding/json"
	"time"

	"github.com/comptech-lab/quay-push/pkg/results"
	"github.com/comptech-lab/quay-push/pkg/shown"
)

// The files of --evidence.
const (
	evidenceFile   = "evidence.json"
	evidenceDigest = "image-digest.txt"
	// evidenceVulnerabilities has what the gate found.
	evidenceVulnerabilities = "vulnerabilities.json"
)

// evidence is the content of evidence.json: what was pushed, by whom, and what it replaced.
type evidence struct {
	Image     string        `json:"image"`
	Digest    string        `json:"digest"`
	MediaType string        `json:"mediaType"`
	Tags      []evidenceTag `json:"tags"`
	Robot     string        `json:"robot"`
	Source    string        `json:"source"`
	Manifests int           `json:"manifests"`
	Blobs     int           `json:"blobs"`
	// Bytes is the size of the blobs, SentBytes is what was uploaded of them.
	Bytes     int64     `json:"bytes"`
	SentBytes int64     `json:"sentBytes"`
	Started   time.Time `json:"started"`
	Finished  time.Time `json:"finished"`
}

// evidenceTag is one tag; Before is the digest that it had, if any.
type evidenceTag struct {
	Name   string `json:"name"`
	Before string `json:"before,omitempty"`
}

// writeEvidence writes both files.
func (p *pusher) writeEvidence(before state) error {
	if p.opts.EvidenceDir == "" {
		return nil
	}
	e := evidence{
		Image: p.to.Name(), Digest: p.image.Digest, MediaType: string(p.image.Root().Descriptor.MediaType),
		Robot: shown.Robot(p.robot), Source: p.opts.Source,
		Manifests: len(p.image.Manifests), Blobs: len(p.image.Blobs),
		Bytes: p.image.Bytes(), SentBytes: p.progress.sentBytes.Load(),
		Started: p.started.UTC(), Finished: p.opts.Now().UTC(),
	}
	for _, tag := range p.to.Tags {
		e.Tags = append(e.Tags, evidenceTag{tag, before[tag]})
	}
	content, err := json.MarshalIndent(e, "", "  ")
	if err == nil {
		err = results.WriteFile(p.opts.EvidenceDir, evidenceFile, string(content)+"\n")
	}
	if err == nil {
		err = results.WriteFile(p.opts.EvidenceDir, evidenceDigest, p.image.Digest+"\n")
	}
	if err != nil {
		return unwritable("--evidence", err)
	}
	return nil
}
