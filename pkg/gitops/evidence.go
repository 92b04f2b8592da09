package gitops

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/comptech-lab/quay-push/pkg/results"
)

// The evidence files, as the contract names them.
const (
	evidenceDir  = "evidence"
	evidenceFile = "evidence.json"
	digestFile   = "image-digest.txt"
)

// maxEvidence is the size of the largest evidence.json that is read, in bytes.
const maxEvidence = 1 << 20

// evidenceOverlay says where the digest went.
type evidenceOverlay struct {
	Repository string `json:"repository"`
	Path       string `json:"path"`
	Branch     string `json:"branch"`
	Commit     string `json:"commit"`
	Changed    bool   `json:"changed"`
}

// writeEvidence writes both files. What push-image wrote about the same digest is kept in evidence.json.
func (u *updater) writeEvidence(r Result) error {
	if u.opts.Workspace == "" {
		return nil
	}
	dir := filepath.Join(u.opts.Workspace, evidenceDir)
	err := os.MkdirAll(dir, 0o755)
	evidence := map[string]any{}
	if err == nil {
		evidence, err = u.readEvidence(filepath.Join(dir, evidenceFile))
	}
	if err == nil {
		maps.Copy(evidence, map[string]any{
			"image": u.change.pin.Image, "digest": u.change.pin.Digest,
			"pipelineRun": u.opts.PipelineRun, "sourceCommit": u.opts.SourceCommit,
			"overlay": evidenceOverlay{u.opts.Repository, u.change.overlay.Path(), r.Branch, r.Commit, r.Changed},
			"time":    u.opts.Now().UTC().Format(time.RFC3339),
		})
		var content []byte
		if content, err = json.MarshalIndent(evidence, "", "  "); err == nil {
			err = results.WriteFile(dir, evidenceFile, string(content)+"\n")
		}
	}
	if err == nil {
		err = results.WriteFile(dir, digestFile, u.change.pin.Digest+"\n")
	}
	if err != nil {
		return &Error{Problem: "the evidence cannot be written", Proof: err.Error(), Next: "--workspace must exist and be writable", Err: err}
	}
	return nil
}

// readEvidence reads what is there about this digest; anything else is as good as nothing.
func (u *updater) readEvidence(name string) (map[string]any, error) {
	// Anyone who had the workspace may have left something else there, such as a pipe that never ends.
	info, err := os.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return map[string]any{}, nil
	}
	if err != nil {
		return nil, err
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxEvidence))
	if err != nil {
		return nil, err
	}
	var evidence map[string]any
	if json.Unmarshal(data, &evidence) != nil || evidence["digest"] != u.change.pin.Digest {
		evidence = map[string]any{}
	}
	return evidence, nil
}
