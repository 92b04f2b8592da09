package olm

import (
	"fmt"
	"strings"

	"golang.org/x/mod/semver"
)

// annotation is one of a bundle's, which are labels of its image, too (operator-registry docs/design/operator-bundle.md).
type annotation struct{ key, value string }

type list []annotation

// annotations are those of the bundle of a version. One before a release is in a channel of its own.
func annotations(version string) list {
	channel := "stable"
	if semver.Prerelease(version) != "" {
		channel = "candidate"
	}
	const prefix = "operators.operatorframework.io.bundle."
	return list{
		{prefix + "mediatype.v1", "registry+v1"},
		{prefix + "manifests.v1", "manifests/"},
		{prefix + "metadata.v1", "metadata/"},
		{prefix + "package.v1", Name},
		{prefix + "channels.v1", channel},
		{prefix + "channel.default.v1", channel},
	}
}

// file is metadata/annotations.yaml.
func (l list) file() []byte {
	var text strings.Builder
	text.WriteString("annotations:\n")
	for _, a := range l {
		fmt.Fprintf(&text, "  %s: %s\n", a.key, a.value)
	}
	return []byte(text.String())
}

// dockerfile makes the bundle's image of its directory.
func (l list) dockerfile() []byte {
	var text strings.Builder
	text.WriteString("FROM scratch\n")
	for _, a := range l {
		fmt.Fprintf(&text, "LABEL %s=%s\n", a.key, a.value)
	}
	text.WriteString("COPY manifests /manifests/\nCOPY metadata /metadata/\n")
	return []byte(text.String())
}
