package push

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// resultNames are the result files: those of Tekton Chains, those of the overlay Tasks, and the image's two other forms.
var resultNames = []string{"IMAGE_URL", "IMAGE_DIGEST", "image-digest", "image-ref", "image-pinned", "overlay-image"}

// overlayImage is one item of the images list in a kustomization (kustomize types.Image).
type overlayImage struct {
	Name    string `json:"name"`
	NewName string `json:"newName"`
	Digest  string `json:"digest"`
}

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
	}, nil
}

// resultsDir is the directory of the result files; empty for none.
type resultsDir string

// openResults makes sure, before anything is sent, that results and evidence can be written, and removes the results of an
// earlier run: who finds one after a failure would take the wrong image.
func (p *pusher) openResults() (resultsDir, error) {
	if p.opts.readOnly() {
		return "", nil
	}
	for _, dir := range []struct{ flag, path string }{{"--evidence", p.opts.EvidenceDir}, {"--results-dir", p.opts.ResultsDir}} {
		if dir.path == "" {
			continue
		}
		probe, err := os.CreateTemp(dir.path, ".push-image-*")
		if err == nil {
			err = errors.Join(probe.Close(), os.Remove(probe.Name()))
		}
		if err != nil {
			return "", unwritable(dir.flag, err)
		}
	}
	results := resultsDir(p.opts.ResultsDir)
	return results, results.clear()
}

// clear removes the result files.
func (d resultsDir) clear() error {
	if d == "" {
		return nil
	}
	for _, name := range resultNames {
		if err := os.Remove(filepath.Join(string(d), name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return unwritable("--results-dir", err)
		}
	}
	return nil
}

// write writes the result files, without a newline. Each is complete from the moment it exists, and all exist or none.
func (d resultsDir) write(r Result) error {
	if d == "" {
		return nil
	}
	values, err := r.values()
	if err != nil {
		return err
	}
	for _, name := range resultNames {
		if err := writeFile(string(d), name, values[name]); err != nil {
			return errors.Join(unwritable("--results-dir", err), d.clear())
		}
	}
	return nil
}

// writeFile writes dir/name by way of a temporary file.
func writeFile(dir, name, content string) error {
	file, err := os.CreateTemp(dir, ".push-image-*")
	if err != nil {
		return err
	}
	_, err = file.WriteString(content)
	// Another container reads it, perhaps as another user.
	err = errors.Join(err, file.Chmod(0o644), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), filepath.Join(dir, name))
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// unwritable is the error for a directory that takes no file.
func unwritable(flag string, err error) error {
	return &Error{Class: ClassResultsUnwritable, Problem: "the files of " + flag + " cannot be written", Err: err,
		Next: "the directory must exist and be writable"}
}
