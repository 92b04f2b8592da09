// Package plugin makes what people install of tkn quay: an archive for each platform, and the manifest by which krew finds them.
package plugin

import (
	"bytes"
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/comptech-lab/quay-push/release/archive"
	"github.com/comptech-lab/quay-push/release/program"
	"github.com/comptech-lab/quay-push/release/source"
)

// Archive is one that was made.
type Archive struct {
	// Name is tkn-quay_<version>_<os>_<arch>.tar.gz.
	Name, OS, Arch string
	// SHA256 is in hex.
	SHA256 string
}

// Maker makes archives.
type Maker struct {
	Tree    source.Tree
	Version string
	// Scratch takes programs as they are built, and Out the archives.
	Scratch, Out string
}

// completions are the files that shells read.
var completions = map[string]string{
	"bash": "completions/tkn-quay.bash", "fish": "completions/tkn-quay.fish", "powershell": "completions/tkn-quay.ps1", "zsh": "completions/_tkn-quay",
}

// Run makes the archive of each platform, os/arch, and returns the Go that builds them. They are the same for the same tree. The error
// says so where Go recorded another version or commit in a program than the release is of.
func (m Maker) Run(ctx context.Context, platforms []string) (made []Archive, compiler string, err error) {
	native, compiler, err := m.build(ctx, runtime.GOOS+"/"+runtime.GOARCH)
	if err != nil {
		return nil, "", err
	}
	common, err := m.common(ctx, native)
	if err != nil {
		return nil, "", err
	}
	for _, platform := range platforms {
		a, err := m.archive(ctx, platform, common)
		if err != nil {
			return nil, "", fmt.Errorf("making the archive for %q: %w", platform, err)
		}
		made = append(made, a)
	}
	return made, compiler, nil
}

// common are the files of every archive: the license, and the completions as the program itself writes them.
func (m Maker) common(ctx context.Context, native string) ([]archive.File, error) {
	license, err := os.ReadFile(filepath.Join(m.Tree.Dir, "LICENSE"))
	if err != nil {
		return nil, err
	}
	files := []archive.File{{Name: "LICENSE", Mode: 0o644, Content: license}}
	for shell, name := range completions {
		script, err := program.Program{Name: native}.Run(ctx, "completion", shell)
		if err != nil {
			return nil, err
		}
		files = append(files, archive.File{Name: name, Mode: 0o644, Content: []byte(script + "\n")})
	}
	return files, nil
}

func (m Maker) archive(ctx context.Context, platform string, common []archive.File) (Archive, error) {
	path, _, err := m.build(ctx, platform)
	if err != nil {
		return Archive{}, err
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return Archive{}, err
	}
	var packed bytes.Buffer
	files := append(slices.Clone(common), archive.File{Name: filepath.Base(path), Mode: 0o755, Content: content})
	if err := archive.Write(&packed, m.Tree.Time, files); err != nil {
		return Archive{}, err
	}
	system, arch, _ := strings.Cut(platform, "/")
	name := fmt.Sprintf("tkn-quay_%s_%s_%s.tar.gz", m.Version, system, arch)
	a := Archive{name, system, arch, fmt.Sprintf("%x", sha256.Sum256(packed.Bytes()))}
	return a, os.WriteFile(filepath.Join(m.Out, name), packed.Bytes(), 0o644)
}

// build builds the program, with the flags that ko.yaml has, and returns where it is and the Go that built it.
func (m Maker) build(ctx context.Context, platform string) (path, compiler string, err error) {
	system, arch, _ := strings.Cut(platform, "/")
	path = filepath.Join(m.Scratch, executable(system))
	builder := program.Program{Name: "go", Dir: m.Tree.Dir, Env: append(m.Tree.Environment(), "GOOS="+system, "GOARCH="+arch)}
	if _, err := builder.Run(ctx, "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "./cmd/tkn-quay"); err != nil {
		return "", "", err
	}
	built, err := buildinfo.ReadFile(path)
	if err != nil {
		return "", "", fmt.Errorf("reading what tkn-quay was built from: %w", err)
	}
	settings := map[string]string{}
	for _, s := range built.Settings {
		settings[s.Key] = s.Value
	}
	if built.Main.Version != m.Version || settings["vcs.revision"] != m.Tree.Commit || settings["vcs.modified"] != "false" {
		return "", "", fmt.Errorf("tkn-quay says that it is %s of commit %q, and the release is %s of %q", built.Main.Version,
			settings["vcs.revision"], m.Version, m.Tree.Commit)
	}
	return path, built.GoVersion, nil
}

// executable is the name of the program on an operating system.
func executable(system string) string {
	if system == "windows" {
		return "tkn-quay.exe"
	}
	return "tkn-quay"
}
