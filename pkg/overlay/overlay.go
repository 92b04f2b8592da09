// Package overlay reads and edits the one field of a GitOps repository that CI may write: images[].digest in
// apps/<team>/<app>/overlays/<env>/kustomization.yaml. docs/overlay.md has the contract.
package overlay

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// Environments are the overlays that every app has, in the order in which a digest is promoted. CI writes the first.
var Environments = []string{"dev", "stg", "prd"}

// fileName is the only name that the contract knows; kustomize knows two more.
const fileName = "kustomization.yaml"

// appsDir is the directory of all apps, below the repository's root.
const appsDir = "apps"

// Overlay is one overlay of one app.
type Overlay struct {
	// Team and App are the names of directories, DNS labels; Env is one of Environments.
	Team, App, Env string
}

// Dir is the overlay's directory, slash-separated and relative to the repository's root.
func (o Overlay) Dir() string { return path.Join(o.app(), "overlays", o.Env) }

// Path is the overlay's kustomization, like Dir.
func (o Overlay) Path() string { return path.Join(o.Dir(), fileName) }

// Base is the directory that the overlays of the app share.
func (o Overlay) Base() string { return path.Join(o.app(), "base") }

// String is <team>/<app> <env>, as in a commit's message.
func (o Overlay) String() string { return o.Team + "/" + o.App + " " + o.Env }

func (o Overlay) app() string { return path.Join(appsDir, o.Team, o.App) }

// labelPattern and maxLabel are the contract's rule for <team> and <app>.
var labelPattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)

const maxLabel = 40

// validate reports a name that no overlay can have; none of them can lead out of apps/.
func (o Overlay) validate() error {
	for _, name := range []struct{ what, value string }{{"team", o.Team}, {"app", o.App}} {
		if len(name.value) > maxLabel || !labelPattern.MatchString(name.value) {
			return refuse(ReasonPath, "the contract has apps/<team>/<app>, each of 1 to 40 lower case letters, digits and hyphens",
				"%s %q is no name of the contract", name.what, name.value)
		}
	}
	if !slices.Contains(Environments, o.Env) {
		return refuse(ReasonEnvironment, "use one of "+strings.Join(Environments, ", "), "there is no environment %q", o.Env)
	}
	return nil
}
