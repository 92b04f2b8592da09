package overlay

import (
	"io/fs"
	"maps"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/types"

	"github.com/comptech-lab/quay-push/pkg/reference"
)

// effect is what kustomize makes of an overlay.
type effect struct {
	tree    fs.FS
	overlay Overlay
	data    []byte // the overlay's kustomization
	images  []image
	volumes []string          // places of images that are those of image volumes
	others  []image           // texts that read like an item's image, and are none that kustomize changes
	probed  map[string]string // by place, the images that kustomize reaches, as probe makes them
	based   bool              // the overlay refers to the base
}

// probe is an item of images that changes every image that kustomize reaches, also what a file of configurations names. So
// kustomize itself tells where images are. It has tag and digest, for replacements that split an image.
var probe = types.Image{Name: "(?s:.*)", NewTag: "every-image", Digest: "sha256:every-image"}

// newEffect renders an overlay whose kustomization is data. Images are looked for by these names in other fields too.
func newEffect(tree fs.FS, o Overlay, data []byte, names []string) (*effect, error) {
	e := &effect{tree: tree, overlay: o, data: data, probed: map[string]string{}}
	err := e.render(func(k *types.Kustomization) { k.Images = append(k.Images, probe) }, func(_ []string, i image) {
		if strings.HasSuffix(i.value, probe.Digest) {
			e.probed[i.place] = i.value
		}
	})
	if err != nil {
		return nil, err
	}
	return e, e.render(nil, func(path []string, i image) {
		if isVolumeImage(path) {
			e.volumes = append(e.volumes, i.place)
		}
		if e.isImage(path, i) {
			e.images = append(e.images, i)
		} else if slices.Contains(names, reference.Bare(i.value)) {
			e.others = append(e.others, i)
		}
	})
}

// isImage reports whether a text is an image. One of which the probe changed a part is none, such as a tag that was copied.
func (e *effect) isImage(path []string, i image) bool {
	probed, ok := e.probed[i.place]
	return isPodImage(path) || ok && reference.Bare(probed) == reference.Bare(i.value)
}

// render renders the overlay with its kustomization as revise changes it, and visits each text.
func (e *effect) render(revise func(*types.Kustomization), visit func([]string, image)) error {
	s := newStage(e.tree)
	s.edited[e.overlay.Path()] = e.data
	s.revise[e.overlay.Dir()] = revise
	if err := s.addRoot(e.overlay.Dir()); err != nil {
		return err
	}
	e.based = s.roots[e.overlay.Base()]
	return s.render(e.overlay.Dir(), visit)
}

// change is an image that is another one where the kustomization is another one. What is not there is empty.
type change struct{ place, before, after string }

// changesFrom lists the images that differ from what they would be with the items of images as revise changes them.
func (e *effect) changesFrom(revise func([]types.Image) []types.Image) ([]change, error) {
	before := map[string]string{}
	err := e.render(func(k *types.Kustomization) { k.Images = revise(slices.Clone(k.Images)) }, func(path []string, i image) {
		if e.isImage(path, i) {
			before[i.place] = i.value
		}
	})
	var changes []change
	for _, i := range e.images {
		if before[i.place] != i.value {
			changes = append(changes, change{i.place, before[i.place], i.value})
		}
		delete(before, i.place)
	}
	for _, place := range slices.Sorted(maps.Keys(before)) {
		changes = append(changes, change{place, before[place], ""})
	}
	return changes, err
}

// baseImages are the images of the app's base, without tag and digest, and those of names that are in it anywhere else.
func baseImages(tree fs.FS, o Overlay, names []string) ([]image, error) {
	s := newStage(tree)
	if err := s.addRoot(o.Base()); err != nil {
		return nil, err
	}
	var images []image
	err := s.render(o.Base(), func(path []string, i image) {
		if i.value = reference.Bare(i.value); isPodImage(path) || slices.Contains(names, i.value) {
			images = append(images, i)
		}
	})
	return images, err
}

// checkBase refuses a name that is no image of the base.
func (o Overlay) checkBase(base []image, name string) error {
	if slices.ContainsFunc(base, func(i image) bool { return i.value == name }) {
		return nil
	}
	return refuse(ReasonBaseImage, "let name be an image of the base, byte for byte, without its tag",
		"%q is no image of %q, that has %s", name, o.Base(), few(base))
}
