package overlay

import (
	"io/fs"
	"path"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// What one rendering may read.
const (
	maxFiles = 2000 // and directories
	maxBytes = 16 << 20
	maxPath  = 4096 // as Linux has it
	maxDepth = 64
)

// stage is what kustomize may read: the directories that a kustomization needs, copied into memory. kustomize would follow
// symbolic links, fetch URLs and run git; from here it can do none of it.
type stage struct {
	tree   fs.FS
	edited map[string][]byte                     // in place of what tree has
	revise map[string]func(*types.Kustomization) // changes the kustomization of a directory
	memory filesys.FileSystem
	dirs   map[string]bool // copied
	roots  map[string]bool // followed
	files  int
	bytes  int
	nodes  int
}

func newStage(tree fs.FS) *stage {
	return &stage{tree: tree, edited: map[string][]byte{}, revise: map[string]func(*types.Kustomization){}, memory: filesys.MakeFsInMemory(), dirs: map[string]bool{}, roots: map[string]bool{}}
}

// addRoot copies a directory that has a kustomization, and the directories to which that refers.
func (s *stage) addRoot(dir string) error {
	if s.roots[dir] {
		return nil
	}
	s.roots[dir] = true
	if err := s.addDir(dir); err != nil {
		return err
	}
	name, err := s.kustomization(dir)
	if err != nil {
		return err
	}
	data, err := s.read(name)
	if err != nil {
		return err
	}
	return s.follow(name, data)
}

// kustomization is the file that kustomize reads in a directory. In that of an overlay it is fileName.
func (s *stage) kustomization(dir string) (string, error) {
	var found []string
	for _, name := range konfig.RecognizedKustomizationFileNames() {
		if info, err := fs.Lstat(s.tree, path.Join(dir, name)); err == nil && info.Mode().IsRegular() {
			found = append(found, path.Join(dir, name))
		}
	}
	switch len(found) {
	case 0:
		return path.Join(dir, fileName), nil // It is missing, which is refused where it is read.
	case 1:
		return found[0], nil
	}
	return "", refuse(ReasonRender, "keep one of them", "%q has several kustomizations, %q", dir, found)
}

// addDir copies a directory with all that is below it.
func (s *stage) addDir(dir string) error {
	if s.dirs[dir] {
		return nil
	}
	s.dirs[dir] = true
	if err := s.take(dir, nil); err != nil {
		return err
	}
	if _, err := lstat(s.tree, dir); err != nil {
		return err
	}
	entries, err := fs.ReadDir(s.tree, dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		name := path.Join(dir, entry.Name())
		if entry.IsDir() {
			err = s.addDir(name)
		} else {
			err = s.addFile(name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// addFile copies a file.
func (s *stage) addFile(name string) error {
	data, err := s.read(name)
	if err != nil {
		return err
	}
	if err := s.take(name, data); err != nil {
		return err
	}
	if err := checkExpansion(name, data); err != nil {
		return err
	}
	return s.write(name, data)
}

// take counts a file or directory against what one rendering may read.
func (s *stage) take(name string, data []byte) error {
	next := "let it refer to smaller directories"
	if len(name) > maxPath || strings.Count(name, "/") >= maxDepth {
		return refuse(ReasonTooLarge, next, "a path begins with %.80q and has more than %d directories or %d bytes", name, maxDepth, maxPath)
	}
	s.files, s.bytes = s.files+1, s.bytes+len(data)
	if s.files > maxFiles || s.bytes > maxBytes {
		return refuse(ReasonTooLarge, next, "it needs more than %d files and directories or %d bytes", maxFiles, maxBytes)
	}
	if s.nodes += countNodes(data, maxNodes-s.nodes); s.nodes > maxNodes {
		return refuse(ReasonTooLarge, next, "with %q it has more than %d YAML nodes", name, maxNodes)
	}
	return nil
}

// read reads what kustomize shall read.
func (s *stage) read(name string) ([]byte, error) {
	data, err := readFile(s.tree, name)
	if edited, ok := s.edited[name]; ok && err == nil {
		data = edited
	}
	return data, err
}

func (s *stage) write(name string, data []byte) error { return s.memory.WriteFile("/"+name, data) }
