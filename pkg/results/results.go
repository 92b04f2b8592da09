// Package results writes the files that a Tekton step leaves: each is complete from the moment it exists, and all exist or
// none.
package results

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// pattern is the name of a file that is not complete.
const pattern = ".result-*"

// Dir is the directory of the result files, such as /tekton/results; empty for none.
type Dir string

// Prepare makes sure that files can be written, and removes the named ones of an earlier run: who finds one after a failure
// would take it for this run's.
func (d Dir) Prepare(names ...string) error {
	if d == "" {
		return nil
	}
	probe, err := os.CreateTemp(string(d), pattern)
	if err == nil {
		err = errors.Join(probe.Close(), os.Remove(probe.Name()))
	}
	if err != nil {
		return fmt.Errorf("preparing results: %w", err)
	}
	return d.remove(names)
}

func (d Dir) remove(names []string) error {
	for _, name := range names {
		if err := os.Remove(filepath.Join(string(d), name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing result %q: %w", name, err)
		}
	}
	return nil
}

// Write writes each value, as it is and without a newline, to the file of its name. After an error none of them is left.
func (d Dir) Write(values map[string]string) error {
	if d == "" {
		return nil
	}
	var written []string
	for name, value := range values {
		if err := WriteFile(string(d), name, value); err != nil {
			return errors.Join(fmt.Errorf("writing result %q: %w", name, err), d.remove(written))
		}
		written = append(written, name)
	}
	return nil
}

// WriteFile writes dir/name by way of a temporary file; a directory or a link in its place is not followed.
func WriteFile(dir, name, content string) error {
	file, err := os.CreateTemp(dir, pattern)
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
