package failure

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"syscall"

	"github.com/comptech-lab/quay-push/pkg/shown"
)

// Missing is the error for a part of the source that is not there.
func Missing(err error, format string, args ...any) *Error {
	return &Error{Class: ClassSourceMissing, Problem: problem(format, args), Err: err,
		Next: "the source is incomplete: let the build write all of it, every platform of an index included"}
}

// NoSource is the error for a source of which nothing is there.
func NoSource(err error, format string, args ...any) *Error {
	return Missing(err, format, args...).Then("check " + SourceFlag + ": a path, alone or behind oci:, oci-archive: or docker-archive:, or docker://HOST/REPOSITORY; " +
		"a build leaves an OCI layout with, for example, buildah push IMAGE oci:DIRECTORY")
}

// Unreadable is the error for a part of the source that cannot be opened or read: for want of permission, or since it is not
// there, or of what err says. what begins it, such as a quoted path.
func Unreadable(err error, what string) *Error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Missing(err, "%s is missing", what)
	case errors.Is(err, fs.ErrPermission):
		return Missing(err, "user %d has no permission to read %s", os.Getuid(), what).Then(
			fmt.Sprintf("let the build make the files readable for user %d, as which push-image runs (chmod -R a+rX), or run both steps as the same user", os.Getuid()))
	}
	if errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ENAMETOOLONG) {
		return NoSource(err, "%s cannot be a file", what)
	}
	return Missing(err, "%s cannot be read", what).Then("look at the volume that the source is on, then run it again")
}

// Corrupt is the error for content that is not what its descriptor says.
func Corrupt(format string, args ...any) *Error {
	return &Error{Class: ClassSourceCorrupt, Problem: problem(format, args), Next: BuildAgain}
}

// The next steps for content that is wrong: as it was built, or on the way from a registry.
const (
	BuildAgain = "build the image again; nothing was tagged"
	Rewritten  = "push the image to its registry again, and look for what rewrites it on the way from there"
)

// Refused is the error for a source that is well formed but not to be pushed.
func Refused(format string, args ...any) *Error {
	return &Error{Class: ClassSourceRefused, Problem: problem(format, args),
		Next: "write the image anew as the OCI image spec has it, such as with skopeo copy --format oci SOURCE oci:DIRECTORY, and push that; nothing was tagged"}
}

// The next steps for a source that is more than is taken.
const (
	AsDirectory  = "let the build leave an OCI layout in a directory, not in a tar file, such as with buildah push IMAGE oci:DIRECTORY"
	FewerLayers  = "let the build make fewer layers, such as with buildah build --squash"
	SmallerIndex = "put fewer platforms and attestations into one index, or push its images one by one"
	FewerEntries = "let what writes the document put fewer entries into it: registries take no such one"
)

// problem bounds what a source can put into a log line.
func problem(format string, args []any) string { return shown.Cut(fmt.Sprintf(format, args...), 1000) }

// OfSource reports whether err is about content of the source.
func OfSource(err error) bool {
	failure := (*Error)(nil)
	return errors.As(err, &failure) && slices.Contains([]Class{ClassSourceMissing, ClassSourceCorrupt, ClassSourceRefused}, failure.Class)
}

// Within names the document that err is about, such as one manifest of many.
func Within(what string, err error) error {
	if failure := (*Error)(nil); errors.As(err, &failure) {
		named := *failure
		named.Problem = shown.Cut(what+": "+failure.Problem, 1200)
		return &named
	}
	return err
}
