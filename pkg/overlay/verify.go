package overlay

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Finding is one thing in which a repository breaks the contract.
type Finding struct {
	// Path is the file or directory, relative to the repository's root.
	Path string
	*Refusal
}

// Error is path and refusal in one line.
func (f Finding) Error() string { return f.Path + ": " + f.Refusal.Error() }

// VerifyRepository returns what is wrong with every app of a repository, in the order of the paths. registry may be nil:
// then no registry is asked. demands are asked about each digest that would run. A repository without an app is a finding, too. The error
// is tree's, registry's or a demand's.
func VerifyRepository(ctx context.Context, tree fs.FS, registry Registry, demands ...Demand) ([]Finding, error) {
	apps, err := fs.Glob(tree, appsDir+"/*/*")
	if err != nil {
		return nil, err
	}
	var findings []Finding
	found := false
	for _, dir := range apps {
		elements := strings.Split(dir, "/")
		o := Overlay{Team: elements[1], App: elements[2], Env: Environments[0]}
		if info, err := fs.Lstat(tree, dir); err != nil || info.Mode().IsRegular() {
			continue // Such as a README.
		}
		found = true
		layout, err := o.verifyLayout(tree)
		if err != nil {
			return nil, err
		}
		findings = append(findings, layout...)
		for _, o.Env = range Environments {
			one, err := VerifyOverlay(ctx, tree, o, registry, demands...)
			if err != nil {
				return nil, err
			}
			findings = append(findings, one...)
		}
	}
	if !found {
		findings = append(findings, Finding{appsDir, &Refusal{Reason: ReasonMissing, Problem: fmt.Sprintf("no overlay found below %q", appsDir),
			Next: "give the root of the GitOps repository; the contract has apps/<team>/<app>/overlays/<env>/" + fileName}})
	}
	return findings, nil
}

// VerifyOverlay returns what is wrong with one overlay. registry, demands and error are as with VerifyRepository.
func VerifyOverlay(ctx context.Context, tree fs.FS, o Overlay, registry Registry, demands ...Demand) ([]Finding, error) {
	v := verification{tree: tree, overlay: o, demands: demands}
	err := v.run(ctx, registry)
	if refusal := (*Refusal)(nil); errors.As(err, &refusal) {
		v.findings, err = append(v.findings, Finding{o.Path(), refusal}), nil
	}
	return v.findings, err
}

// verifyLayout reports overlays that are none of Environments.
func (o Overlay) verifyLayout(tree fs.FS) ([]Finding, error) {
	overlays := path.Join(o.app(), "overlays")
	entries, err := fs.ReadDir(tree, overlays)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // Each overlay is missed by itself.
	}
	var findings []Finding
	for _, entry := range entries {
		if !slices.Contains(Environments, entry.Name()) {
			problem := fmt.Sprintf("%q is no environment", entry.Name())
			findings = append(findings, Finding{path.Join(overlays, entry.Name()),
				&Refusal{Reason: ReasonEnvironment, Problem: problem, Next: "keep to " + strings.Join(Environments, ", ")}})
		}
	}
	return findings, err
}
