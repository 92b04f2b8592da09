package retention

import (
	"io/fs"
	"strings"
)

// watched is a tree that notes whether anything outside of a directory was read.
type watched struct {
	fs.ReadLinkFS
	dir  string
	left bool
}

// note notes that name was read.
func (w *watched) note(name string) {
	w.left = w.left || name != w.dir && !strings.HasPrefix(name, w.dir+"/")
}

// Open notes it, and opens.
func (w *watched) Open(name string) (fs.File, error) { w.note(name); return w.ReadLinkFS.Open(name) }

// ReadLink notes it, and reads.
func (w *watched) ReadLink(name string) (string, error) {
	w.note(name)
	return w.ReadLinkFS.ReadLink(name)
}

// Lstat notes it, and looks. That the directory is where it is, its own content says.
func (w *watched) Lstat(name string) (fs.FileInfo, error) {
	if !strings.HasPrefix(w.dir+"/", name+"/") {
		w.note(name)
	}
	return w.ReadLinkFS.Lstat(name)
}
