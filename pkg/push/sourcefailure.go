package push

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"syscall"

	"github.com/comptech-lab/quay-push/pkg/shown"
)

// missing is the error for a part of the source that is not there.
func missing(err error, format string, args ...any) *Error {
	return &Error{Class: ClassSourceMissing, Problem: problem(format, args), Err: err,
		Next: "the source is incomplete: let the build write all of it, every platform of an index included"}
}

// noSource is the error for a source of which nothing is there.
func noSource(err error, format string, args ...any) *Error {
	return missing(err, format, args...).then("check " + sourceFlag + "; a build leaves an OCI layout with, for example, buildah push IMAGE oci:DIRECTORY")
}

// unreadable is the error for a part of the source that cannot be opened or read: for want of permission, or since it is not
// there, or of what err says. what begins it, such as a quoted path.
func unreadable(err error, what string) *Error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return missing(err, "%s is missing", what)
	case errors.Is(err, fs.ErrPermission):
		return missing(err, "user %d has no permission to read %s", os.Getuid(), what).then(
			fmt.Sprintf("let the build make the files readable for user %d, as which push-image runs (chmod -R a+rX), or run both steps as the same user", os.Getuid()))
	}
	if errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ENAMETOOLONG) {
		return noSource(err, "%s cannot be a file", what)
	}
	return missing(err, "%s cannot be read", what).then("look at the volume that the source is on, then run it again")
}

// corrupt is the error for content that is not what its descriptor says.
func corrupt(format string, args ...any) *Error {
	return &Error{Class: ClassSourceCorrupt, Problem: problem(format, args), Next: buildAgain}
}

// The next steps for content that is wrong: as it was built, or on the way from a registry.
const (
	buildAgain = "build the image again; nothing was tagged"
	rewritten  = "push the image to its registry again, and look for what rewrites it on the way from there"
)

// refused is the error for a source that is well formed but not to be pushed.
func refused(format string, args ...any) *Error {
	return &Error{Class: ClassSourceRefused, Problem: problem(format, args),
		Next: "write the image anew as the OCI image spec has it, such as with skopeo copy --format oci SOURCE oci:DIRECTORY, and push that; nothing was tagged"}
}

// The next steps for a source that is more than is taken.
const (
	asDirectory  = "let the build leave an OCI layout in a directory, not in a tar file, such as with buildah push IMAGE oci:DIRECTORY"
	fewerLayers  = "let the build make fewer layers, such as with buildah build --squash"
	smallerIndex = "put fewer platforms and attestations into one index, or push its images one by one"
	fewerEntries = "let what writes the document put fewer entries into it: registries take no such one"
)

// problem bounds what a source can put into a log line.
func problem(format string, args []any) string { return shown.Cut(fmt.Sprintf(format, args...), 1000) }

// ofSource reports whether err is about content of the source.
func ofSource(err error) bool {
	failure := (*Error)(nil)
	return errors.As(err, &failure) && slices.Contains([]Class{ClassSourceMissing, ClassSourceCorrupt, ClassSourceRefused}, failure.Class)
}

// within names the document that err is about, such as one manifest of many.
func within(what string, err error) error {
	if failure := (*Error)(nil); errors.As(err, &failure) {
		named := *failure
		named.Problem = shown.Cut(what+": "+failure.Problem, 1200)
		return &named
	}
	return err
}
