package overlay

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
)

// readFile reads a regular file of the repository, at most maxSize bytes of it, through no symbolic link.
func readFile(tree fs.FS, name string) ([]byte, error) {
	mode, err := lstat(tree, name)
	if err != nil {
		return nil, err
	}
	if !mode.IsRegular() {
		return nil, refuse(ReasonMissing, "make it a file", "%q is no regular file", name)
	}
	file, err := tree.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	if err == nil && len(data) > maxSize {
		err = refuse(ReasonTooLarge, "keep large files out of it", "%q has more than %d bytes", name, maxSize)
	}
	return data, err
}

// lstat is the mode of what is at name. A symbolic link, also on the way there, is refused: it may lead anywhere.
func lstat(tree fs.FS, name string) (fs.FileMode, error) {
	if !fs.ValidPath(name) {
		return 0, refuse(ReasonPath, "keep to the repository", "%q is outside of the repository", name)
	}
	elements := strings.Split(name, "/")
	var mode fs.FileMode
	for i := range elements {
		at := path.Join(elements[:i+1]...)
		info, err := fs.Lstat(tree, at)
		if errors.Is(err, fs.ErrNotExist) {
			if other := otherName(tree, name); i == len(elements)-1 && other != "" {
				return 0, refuse(ReasonMissing, "rename "+other+" to "+fileName+", the one name that the contract knows", "%q does not exist", name)
			}
			return 0, refuse(ReasonMissing, "see whether team and app are right; the contract has apps/<team>/<app>/{base,overlays/{dev,stg,prd}}/"+fileName, "%q does not exist", name)
		}
		if err != nil {
			return 0, err
		}
		if mode = info.Mode(); mode&fs.ModeSymlink != 0 {
			return 0, refuse(ReasonSymlink, "put the file itself there", "%q is a symbolic link", at)
		}
		if !mode.IsDir() && i < len(elements)-1 {
			return 0, refuse(ReasonMissing, "make it a directory", "%q is no directory", at)
		}
	}
	return mode, nil
}

// otherName is the kustomization that is there under another of kustomize's names, in place of the one at name; empty if there is none.
func otherName(tree fs.FS, name string) string {
	if path.Base(name) != fileName {
		return ""
	}
	for _, other := range konfig.RecognizedKustomizationFileNames() {
		other = path.Join(path.Dir(name), other)
		if info, err := fs.Lstat(tree, other); err == nil && info.Mode().IsRegular() {
			return other
		}
	}
	return ""
}
