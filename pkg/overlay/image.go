package overlay

import (
	"fmt"
	"strings"
)

// image is an image in what kustomize makes of a directory: where it stands, and what it says.
type image struct{ place, value string }

// isPodImage reports whether a Pod, or an object that holds the template of one, has an image at path. Elements of lists are
// "[0]". kustomize does not reach all of these, such as those of ephemeral containers.
func isPodImage(path []string) bool {
	parent := func(up int) string { return path[max(len(path)-1-up, 0)] }
	list := parent(2)
	return isVolumeImage(path) || parent(0) == "image" && isElement(parent(1)) &&
		(list == "containers" || list == "initContainers" || list == "ephemeralContainers")
}

// isVolumeImage reports whether a Pod, or an object that holds the template of one, has the image of an image volume at path.
func isVolumeImage(path []string) bool {
	n := len(path)
	return n >= 4 && path[n-1] == "reference" && path[n-2] == "image" && isElement(path[n-3]) && path[n-4] == "volumes"
}

func isElement(name string) bool { return strings.HasPrefix(name, "[") }

// few quotes the values of images, not too many of them.
func few(images []image) string {
	const most = 8
	var quoted []string
	for _, image := range images[:min(len(images), most)] {
		quoted = append(quoted, fmt.Sprintf("%.200q", image.value))
	}
	if len(images) > most {
		quoted = append(quoted, fmt.Sprintf("%d more", len(images)-most))
	}
	return "[" + strings.Join(quoted, " ") + "]"
}
