package gitops

import (
	"context"
	"fmt"
	"strings"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// commitEdit stores a commit on top of parent in which the file at name has content, and nothing else is changed.
func (c clone) commitEdit(parent *object.Commit, root tree, name string, content []byte, message string, who object.Signature) (plumbing.Hash, error) {
	blob := c.storage.NewEncodedObject()
	blob.SetType(plumbing.BlobObject)
	writer, err := blob.Writer()
	if err != nil {
		return plumbing.ZeroHash, err
	}
	if _, err := writer.Write(content); err != nil {
		return plumbing.ZeroHash, err
	}
	hash, err := c.storage.SetEncodedObject(blob)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	treeHash, err := c.replace(root.root, strings.Split(name, "/"), hash)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	return c.store(&object.Commit{Author: who, Committer: who, Message: message + "\n", TreeHash: treeHash, ParentHashes: []plumbing.Hash{parent.Hash}})
}

// replace stores the trees from the file up to in, with the file's new hash.
func (c clone) replace(in *object.Tree, elements []string, blob plumbing.Hash) (plumbing.Hash, error) {
	changed := object.Tree{Entries: append([]object.TreeEntry{}, in.Entries...)}
	for i := range changed.Entries {
		e := &changed.Entries[i]
		switch {
		case e.Name != elements[0]:
			continue
		case len(elements) == 1:
			e.Hash = blob
			return c.store(&changed)
		case e.Mode == filemode.Dir:
			child, err := object.GetTree(c.storage, e.Hash)
			if err != nil {
				return plumbing.ZeroHash, err
			}
			if e.Hash, err = c.replace(child, elements[1:], blob); err != nil {
				return plumbing.ZeroHash, err
			}
			return c.store(&changed)
		}
	}
	return plumbing.ZeroHash, fmt.Errorf("finding %q in tree %q: %w", elements[0], in.Hash, object.ErrEntryNotFound)
}

// store stores a commit or a tree.
func (c clone) store(o interface {
	Encode(plumbing.EncodedObject) error
}) (plumbing.Hash, error) {
	encoded := c.storage.NewEncodedObject()
	if err := o.Encode(encoded); err != nil {
		return plumbing.ZeroHash, err
	}
	return c.storage.SetEncodedObject(encoded)
}

// push sends a commit as the new head of a branch, never by force: both branches must be where h has them.
func (c clone) push(ctx context.Context, commit plumbing.Hash, target, branch string, h heads, options map[string]string) error {
	const local = "refs/heads/new"
	if err := c.storage.SetReference(plumbing.NewHashReference(local, commit)); err != nil {
		return err
	}
	must := []config.RefSpec{config.RefSpec(h.target.String() + ":refs/heads/" + target)}
	if !h.branch.IsZero() {
		must = append(must, config.RefSpec(h.branch.String()+":refs/heads/"+branch))
	}
	return c.remote.open(c.storage).PushContext(ctx, &git.PushOptions{
		Auth: c.remote.credential.auth(), CABundle: c.remote.caBundle, Options: options,
		RefSpecs: []config.RefSpec{config.RefSpec(local + ":refs/heads/" + branch)}, RequireRemoteRefs: must,
	})
}
