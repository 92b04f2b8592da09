package bundle

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
)

// scheme begins the images that ko builds: it is followed by the import path of the program.
const scheme = "ko://"

var (
	reference = regexp.MustCompile(regexp.QuoteMeta(scheme) + `[A-Za-z0-9._/-]+`)
	pinned    = regexp.MustCompile(`@sha256:[0-9a-f]{64}$`)
)

// patterns are where the objects are below the top directory of the repository.
var patterns = []string{"tekton/task/*/*/*.yaml", "tekton/stepaction/*/*/*.yaml", "tekton/pipeline/*.yaml"}

// Read reads the Tasks, StepActions and Pipelines in tekton/ below the repository's top directory root, in the order of their files.
// images has the reference by digest, NAME@sha256:<hex>, of what ko built of each import path; it takes the place of ko://PATH, and nothing
// else in a file changes. The objects fit into one bundle. An error has the path of the file, below root.
func Read(root string, images map[string]string) ([]Object, error) {
	var objects []Object
	err := each(root, func(file string, content []byte) error {
		object, err := resolved(file, content, images)
		objects = append(objects, object)
		return err
	})
	if err != nil {
		return nil, err
	}
	return objects, check(objects)
}

// Contents returns what Image takes of the objects.
func Contents(objects []Object) [][]byte {
	contents := make([][]byte, len(objects))
	for i, o := range objects {
		contents[i] = o.Content
	}
	return contents
}

// Programs returns the import paths that the files in tekton/ below root have ko build, sorted.
func Programs(root string) ([]string, error) {
	var programs []string
	err := each(root, func(_ string, content []byte) error {
		for _, found := range reference.FindAllString(string(content), -1) {
			programs = append(programs, strings.TrimPrefix(found, scheme))
		}
		return nil
	})
	return slices.Compact(slices.Sorted(slices.Values(programs))), err
}

// each calls do with the path below root of each file, and its content, until one fails.
func each(root string, do func(file string, content []byte) error) error {
	for _, pattern := range patterns {
		files, err := fs.Glob(os.DirFS(root), pattern)
		if err == nil && len(files) == 0 {
			err = errors.New("there are none")
		}
		if err != nil {
			return fmt.Errorf("looking for %q below %q: %w", pattern, root, err)
		}
		for _, file := range files {
			content, err := fs.ReadFile(os.DirFS(root), file)
			if err != nil {
				return err
			}
			if err := do(file, content); err != nil {
				return err
			}
		}
	}
	return nil
}

// resolved returns the object of the file, its images from images.
func resolved(file string, content []byte, images map[string]string) (Object, error) {
	var failed error
	content = reference.ReplaceAllFunc(content, func(found []byte) []byte {
		program := strings.TrimPrefix(string(found), scheme)
		if image := images[program]; pinned.MatchString(image) {
			return []byte(image)
		}
		failed = fmt.Errorf("reading %q: program %q has the image %q: it needs one by digest", file, program, images[program])
		return found
	})
	if failed != nil {
		return Object{}, failed
	}
	return Parse(file, content)
}
