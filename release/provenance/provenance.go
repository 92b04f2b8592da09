// Package provenance states what the images of a release were built from, and how.
package provenance

import (
	"encoding/json"
	"strings"
)

const (
	// Repository is where the source is published.
	Repository = "https://github.com/comptech-lab/quay-push"
	// BuildType says how to build the same again: docs/releasing.md.
	BuildType = "https://quay.comptech-lab.com/release/v1"
	// Builder is make release, on whatever machine: who trusts it trusts who holds the key. That is SLSA's build level 1.
	Builder = "https://quay.comptech-lab.com/release"
)

// Release is what was asked for, and what it was made of.
type Release struct {
	// Version is the tag that Commit is to have.
	Version, Commit string
	// Registry is host/organization; Base is the image below all others, <repository>@sha256:<hex>; Platforms are os/arch.
	Registry, Base string
	Platforms      []string
	// Tools has the versions of the compiler and of what makes images of programs.
	Tools map[string]string
}

// Predicate is the statement about it, in JSON, as SLSA's provenance v1 has it (slsa.dev/spec/v1.1/provenance). It has no time, which would
// be another one for each of two builds that are the same.
func (r Release) Predicate() ([]byte, error) {
	type digest map[string]string
	type resource struct {
		URI    string `json:"uri"`
		Digest digest `json:"digest"`
	}
	base, sum, _ := strings.Cut(r.Base, "@sha256:")
	return json.MarshalIndent(map[string]any{
		"buildDefinition": map[string]any{
			"buildType":          BuildType,
			"externalParameters": map[string]any{"version": r.Version, "registry": r.Registry, "base": r.Base, "platforms": r.Platforms},
			"resolvedDependencies": []resource{
				{"git+" + Repository + "@refs/tags/" + r.Version, digest{"gitCommit": r.Commit}},
				{"docker://" + base, digest{"sha256": sum}},
			},
		},
		"runDetails": map[string]any{"builder": map[string]any{"id": Builder, "version": r.Tools}},
	}, "", "  ")
}
