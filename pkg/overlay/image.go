package overlay

import "strings"

// withoutTag is an image without tag and digest. Only a colon after the last slash starts a tag: a host may have a port.
func withoutTag(image string) string {
	name, _, _ := strings.Cut(image, "@")
	if colon := strings.LastIndex(name, ":"); colon > strings.LastIndex(name, "/") {
		name = name[:colon]
	}
	return name
}
