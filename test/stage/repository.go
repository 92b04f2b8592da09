package stage

import (
	"context"
	"crypto/rand"
	"embed"
	"encoding/base64"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// app is the GitOps directory of an app, as the overlay contract has it. APP and IMAGE are put in by the stage.
//
//go:embed app
var app embed.FS

// Repository is a GitOps repository with one tenant's app, and a clone of it here.
type Repository struct {
	// URL is the repository's inside the cluster.
	URL string
	// App is apps/<team>/<app>.
	App string
	dir string
	env []string
}

// NewRepository makes a repository on the Git server, with the tenant's app on branch main, and a clone of it in dir, which
// is the caller's to remove.
func (s *Stage) NewRepository(ctx context.Context, dir string, t Tenant) (*Repository, error) {
	name := "/gitops-" + strings.ToLower(rand.Text()[:8]) + ".git"
	r := &Repository{URL: "https://" + gitHost + name, App: path.Join("apps", t.Team, t.App), dir: dir}
	caFile := filepath.Join(dir, "ca.crt")
	if err := os.WriteFile(caFile, s.Git.CA, 0o600); err != nil {
		return nil, err
	}
	r.env = s.Git.environment(caFile)
	files := strings.NewReplacer("APP", t.App, "IMAGE", t.Repository)
	err := fs.WalkDir(app, "app", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := app.ReadFile(name)
		if err != nil {
			return err
		}
		file := filepath.Join(dir, r.App, strings.TrimPrefix(name, "app/"))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		return os.WriteFile(file, []byte(files.Replace(string(data))), 0o644)
	})
	if err != nil {
		return nil, fmt.Errorf("writing %q: %w", r.App, err)
	}
	_, port, _ := strings.Cut(s.Git.address, ":")
	for _, args := range [][]string{
		{"init", "--quiet", "--initial-branch=main"}, {"add", "apps"}, {"commit", "--quiet", "--message=start"},
		{"remote", "add", "origin", "https://" + gitHost + ":" + port + name}, {"push", "--quiet", "origin", "main"},
	} {
		if _, err := r.Git(ctx, args...); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// environment makes git reach the server by its own name through the forwarded port, as its user. The password is in no file
// and no argument.
func (g *Git) environment(caFile string) []string {
	host, port, _ := strings.Cut(g.address, ":")
	basic := base64.StdEncoding.EncodeToString([]byte(g.Username + ":" + g.Password))
	env := append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_TERMINAL_PROMPT=0", "GIT_SSL_CAINFO="+caFile,
		"GIT_AUTHOR_NAME=dev", "GIT_AUTHOR_EMAIL=dev@example.com", "GIT_COMMITTER_NAME=dev", "GIT_COMMITTER_EMAIL=dev@example.com")
	settings := [][2]string{{"http.extraHeader", "Authorization: Basic " + basic}, {"http.proxy", ""},
		{"http.curloptResolve", gitHost + ":" + port + ":" + host}}
	for i, s := range settings {
		env = append(env, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", i, s[0]), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", i, s[1]))
	}
	return append(env, fmt.Sprintf("GIT_CONFIG_COUNT=%d", len(settings)))
}

// Git runs git in the clone and returns what it prints, without the last line's end.
func (r *Repository) Git(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir, cmd.Env = r.dir, r.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("running git %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimRight(string(out), "\n"), nil
}

// Branches brings the clone up to date and returns the heads of the repository's branches by name.
func (r *Repository) Branches(ctx context.Context) (map[string]string, error) {
	if _, err := r.Git(ctx, "fetch", "--quiet", "--prune", "origin"); err != nil {
		return nil, err
	}
	out, err := r.Git(ctx, "for-each-ref", "--format=%(refname:lstrip=3) %(objectname)", "refs/remotes/origin")
	branches := map[string]string{}
	for line := range strings.Lines(out) {
		name, head, _ := strings.Cut(strings.TrimSpace(line), " ")
		branches[name] = head
	}
	return branches, err
}

// Build does `kustomize build` of a directory of the app, as commit has it, and returns the image of its one Deployment.
func (r *Repository) Build(ctx context.Context, commit, dir string) (string, error) {
	if _, err := r.Git(ctx, "checkout", "--quiet", "--detach", commit); err != nil {
		return "", err
	}
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join(r.dir, r.App, dir))
	if err != nil {
		return "", fmt.Errorf("building %q: %w", dir, err)
	}
	image, err := resources.Resources()[0].GetFieldValue("spec.template.spec.containers.0.image")
	if err != nil {
		return "", fmt.Errorf("reading the image of %q: %w", dir, err)
	}
	return fmt.Sprint(image), nil
}
