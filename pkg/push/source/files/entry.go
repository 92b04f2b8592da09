package files

import (
	"archive/tar"
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// entry is one entry of a tar file.
type entry struct {
	offset, size int64
	// kind says what the entry is if it is not a regular file.
	kind string
	// link is the entry that a symbolic or hard link stands for, as a path in the archive; "" if that is outside.
	link string
}

// add adds an entry whose content starts at offset. end is the size of the tar file.
func (a *Archive) add(header *tar.Header, offset, end int64) error {
	if len(header.Name) > maxEntryName {
		return failure.Refused("%q has an entry with a name of %d bytes, at most %d are taken", a.path, len(header.Name), maxEntryName).Then(failure.AsDirectory)
	}
	name := path.Clean(header.Name)
	if !filepath.IsLocal(header.Name) || strings.Contains(header.Name, `\`) || strings.Contains("/"+header.Name+"/", "/../") {
		return failure.Refused("%q has an entry %q, whose path is absolute or goes upwards", a.path, header.Name).Then(failure.AsDirectory)
	}
	e := entry{offset: offset, size: header.Size}
	switch header.Typeflag {
	case tar.TypeDir, tar.TypeXGlobalHeader:
		return nil
	case tar.TypeReg, tar.TypeGNUSparse:
		if sparse(header) {
			e = entry{kind: "a sparse file"}
		} else if e.size > end-offset {
			return failure.Corrupt("%q is cut off: its entry %q ends at byte %d, the file at %d", a.path, header.Name, offset+e.size, end)
		}
	case tar.TypeSymlink:
		e = entry{kind: "a symbolic link", link: inside(path.Join(path.Dir(name), header.Linkname), header.Linkname)}
	case tar.TypeLink:
		e = entry{kind: "a hard link", link: inside(path.Clean(header.Linkname), header.Linkname)}
	default:
		e = entry{kind: fmt.Sprintf("a special file (type %q)", header.Typeflag)}
	}
	if _, twice := a.entries[name]; twice {
		return failure.Refused("%q has two entries %q", a.path, name).Then("let the build write a new tar file, not append to one that is there")
	}
	if a.names += len(name) + len(e.link); a.names > maxNames {
		return failure.Refused("the names of the entries of %q have more than %d bytes together", a.path, maxNames).Then(failure.AsDirectory)
	}
	// Else the few bytes of a name would keep the whole header that they are a part of.
	e.link = strings.Clone(e.link)
	a.entries[strings.Clone(name)] = e
	return nil
}

// inside is target, or "" if that or the link it was made of leads out of the archive.
func inside(target, link string) string {
	if path.IsAbs(link) || !filepath.IsLocal(target) || len(target) > maxEntryName {
		return ""
	}
	return target
}

// sparse reports whether the content of an entry has holes, so that it does not lie in the file as it is read.
func sparse(header *tar.Header) bool {
	if header.Typeflag == tar.TypeGNUSparse {
		return true
	}
	for name := range header.PAXRecords {
		if strings.HasPrefix(name, "GNU.sparse.") {
			return true
		}
	}
	return false
}
