package retention

import (
	"fmt"
	"slices"

	"github.com/comptech-lab/quay-push/pkg/quay"
)

// What is walked of indexes. Whoever may push would otherwise decide how long a run takes.
const (
	// maxNesting is how many indexes there may be in one another.
	maxNesting = 8
	// maxWalk is how many manifests there may be in an index, those in its indexes among them, each as often as it is listed.
	maxWalk = 1_000
	// maxWalks is how many there may be in all indexes of a repository that are walked.
	maxWalks = 1_000_000
)

// walker walks through the indexes of one repository.
type walker struct {
	// children are what an index lists. It is asked once of each.
	children func(index string) ([]quay.Child, error)
	lists    map[string][]quay.Child
	// walked is how many manifests all walks met.
	walked int
}

// walk is one through all that is in an index.
type walk struct {
	*walker
	root  string
	visit func(digest string)
	// met are the manifests that were visited, true for those that were walked through.
	met  map[string]bool
	size int
}

// each visits all that an index lists, also through other indexes, each digest once.
func (w *walker) each(index string, visit func(digest string)) error {
	return (&walk{walker: w, root: index, visit: visit, met: map[string]bool{}}).below(index, nil)
}

// list is what an index lists.
func (w *walker) list(index string) ([]quay.Child, error) {
	if known, ok := w.lists[index]; ok {
		return known, nil
	}
	list, err := w.children(index)
	if err != nil {
		return nil, err
	}
	if w.lists == nil {
		w.lists = map[string][]quay.Child{}
	}
	w.lists[index] = list
	return list, nil
}

// below visits what an index lists. above are those that it is in.
func (w *walk) below(index string, above []string) error {
	if len(above) > maxNesting || slices.Contains(above, index) {
		return fmt.Errorf("reading index %q: more than %d indexes are in one another", index, maxNesting)
	}
	list, err := w.list(index)
	if err != nil {
		return err
	}
	if w.size += len(list); w.size > maxWalk {
		return fmt.Errorf("reading index %q: more than %d manifests are in it", w.root, maxWalk)
	}
	if w.walked += len(list); w.walked > maxWalks {
		return fmt.Errorf("reading index %q: more than %d manifests are in the indexes of the repository", w.root, maxWalks)
	}
	for _, child := range list {
		through, before := w.met[child.Digest]
		if !before {
			w.visit(child.Digest)
		}
		w.met[child.Digest] = through || child.Index
		if child.Index && !through {
			if err := w.below(child.Digest, append(above, index)); err != nil {
				return err
			}
		}
	}
	return nil
}
