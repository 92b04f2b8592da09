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
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// gitops is the directory of an app in a GitOps repository, as the overlay contract has it; source is what the app is built from. APP,
// TEAM, IMAGE and BASE are put in by the stage.
//
//go:embed gitops source
var templates embed.FS

// Repository is a repository on the Git server, and a clone of it here.
type Repository struct {
	// URL is the repository's inside the cluster.
	URL string
	// App is apps/<team>/<app>, where a GitOps repository has the tenant's app.
	App string
	dir string
	env []string
}

// NewRepository makes a GitOps repository on the Git server, with the tenant's app on branch main, and a clone of it in dir, which
// is the caller's to remove.
func (s *Stage) NewRepository(ctx context.Context, dir string, t Tenant) (*Repository, error) {
	return s.newRepository(ctx, dir, t, "gitops", path.Join("apps", t.Team, t.App))
}

// NewSource makes a repository with the source of the tenant's app on branch main, and a clone of it in dir, which is the caller's to
// remove.
func (s *Stage) NewSource(ctx context.Context, dir string, t Tenant) (*Repository, error) {
	return s.newRepository(ctx, dir, t, "source", "")
}

// newRepository makes a repository whose directory to has the files of the template.
func (s *Stage) newRepository(ctx context.Context, dir string, t Tenant, template, to string) (*Repository, error) {
	name := "/" + template + "-" + strings.ToLower(rand.Text()[:8]) + ".git"
	r := &Repository{URL: "https://" + gitHost + name, App: to, dir: dir}
	caFile := filepath.Join(dir, ".git-ca.crt")
	if err := os.WriteFile(caFile, s.Git.CA, 0o600); err != nil {
		return nil, err
	}
	r.env = s.Git.environment(caFile)
	texts := strings.NewReplacer("APP", t.App, "TEAM", t.Team, "IMAGE", t.Repository, "BASE", BaseImage)
	err := fs.WalkDir(templates, template, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := templates.ReadFile(name)
		if err != nil {
			return err
		}
		file := filepath.Join(dir, to, strings.TrimPrefix(name, template+"/"))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		return os.WriteFile(file, []byte(texts.Replace(string(data))), 0o644)
	})
	if err != nil {
		return nil, fmt.Errorf("writing %q: %w", template, err)
	}
	_, port, _ := strings.Cut(s.Git.address, ":")
	for _, args := range [][]string{
		{"init", "--quiet", "--initial-branch=main"}, {"add", "--", ".", ":!.git-ca.crt"}, {"commit", "--quiet", "--message=start"},
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
	resources, err := r.build(ctx, commit, dir)
	if err != nil {
		return "", err
	}
	image, err := resources.Resources()[0].GetFieldValue("spec.template.spec.containers.0.image")
	if err != nil {
		return "", fmt.Errorf("reading the image of %q: %w", dir, err)
	}
	return fmt.Sprint(image), nil
}

func (r *Repository) build(ctx context.Context, commit, dir string) (resmap.ResMap, error) {
	if _, err := r.Git(ctx, "checkout", "--quiet", "--detach", commit); err != nil {
		return nil, err
	}
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join(r.dir, r.App, dir))
	if err != nil {
		return nil, fmt.Errorf("building %q: %w", dir, err)
	}
	return resources, nil
}
