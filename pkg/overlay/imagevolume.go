package overlay

import (
	"io/fs"
	"slices"
	"strings"
)

// warnOfVolumes tells a tree that is a Warner of digests in image volumes: what renders in the cluster may be another kustomize than
// the one here, and an older one, such as v5.5.0, does not know their field.
func (e *effect) warnOfVolumes(tree fs.FS, pins []Pin) {
	warner, ok := tree.(Warner)
	if !ok {
		return
	}
	var places []string
	for _, i := range e.images {
		isPin := func(p Pin) bool { return i.value == p.pinned() }
		if slices.Contains(e.volumes, i.place) && slices.ContainsFunc(pins, isPin) {
			places = append(places, i.place)
		}
	}
	if len(places) > 0 {
		const most = 3
		warner.Warn("a kustomize older than v5.8.1, such as that of kubectl or Argo CD may be, can leave an image volume without the digest: " +
			strings.Join(places[:min(len(places), most)], ", "))
	}
}
