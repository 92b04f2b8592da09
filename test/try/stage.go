package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/gitops/gitopstest"
	"github.com/comptech-lab/quay-push/pkg/overlay"
	"github.com/comptech-lab/quay-push/pkg/push"
	"github.com/comptech-lab/quay-push/pkg/tenant"
	"github.com/comptech-lab/quay-push/test/story"
)

// The two teams' repositories. robot may write to its own team's alone.
const (
	repository = "team-payments/checkout"
	foreign    = "team-platform/sample"
	robot      = "team-payments+ci"
)

// stage is where the story plays: a registry with Quay's habits and a Git server, both in this process.
type stage struct {
	*story.Story
	quay       *quaytest.Quay
	stopQuay   func() error
	git        *gitopstest.Server
	convention tenant.Convention
	// layout, dockerconfig, gitSecret and results are what the steps of a run find: the image, both credentials, and where results go.
	layout, dockerconfig, gitSecret, results string
	// imageDigest is what the layout says of its image, as the build wrote it; overlayItem is what the push reported.
	imageDigest, overlayItem string
}

// app is the directory in the GitOps repository that gets the digest.
var app = overlay.Overlay{Team: "payments", App: "checkout", Env: overlay.Environments[0]}

// open sets the stage in dir, which is the caller's to remove.
func open(dir string, out io.Writer) (*stage, error) {
	s := &stage{Story: story.New(out), convention: tenant.Default(), layout: filepath.Join(dir, "image"), results: filepath.Join(dir, "results"),
		dockerconfig: filepath.Join(dir, "secret", ".dockerconfigjson"), gitSecret: filepath.Join(dir, "git-secret")}
	var err error
	if s.quay, s.stopQuay, err = quaytest.Serve(dir); err != nil {
		return nil, err
	}
	s.convention.Registry = s.quay.Host()
	for _, name := range []string{repository, foreign} {
		org, repo, _ := strings.Cut(name, "/")
		s.quay.AddOrganization(org)
		s.quay.AddRepository(org, repo)
	}
	org, short, _ := strings.Cut(robot, "+")
	s.quay.AddRobot(org, short)
	s.quay.Grant(repository, robot, quaytest.Write)
	files := gitopstest.App(app.App)
	for name, text := range files {
		files[name] = strings.ReplaceAll(text, gitopstest.Image(app.App), s.image(repository))
	}
	if s.git, err = gitopstest.Serve(dir, files); err != nil {
		return nil, err
	}
	for file, content := range map[string]string{s.dockerconfig: string(s.quay.Dockerconfig(robot)),
		filepath.Join(s.gitSecret, "username"): gitopstest.Username, filepath.Join(s.gitSecret, "password"): gitopstest.Password} {
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return nil, err
		}
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			return nil, err
		}
	}
	if err := os.Mkdir(s.results, 0o755); err != nil {
		return nil, err
	}
	if s.imageDigest, err = writeImage(s.layout); err != nil {
		return nil, err
	}
	fmt.Fprintf(out, "Quay is %s, in this process: robot %s has Write on %s, and nothing else\n", s.quay.URL(), robot, repository)
	return s, nil
}

func (s *stage) close() {
	s.git.HTTP.Close()
	_ = s.stopQuay()
}

// image is a repository's name, host/organization/name.
func (s *stage) image(repository string) string { return s.quay.Host() + "/" + repository }

// options are what the Task gives to push-image.
func (s *stage) options(repository, tag string) push.Options {
	return push.Options{Source: "oci:" + s.layout, ImageRef: s.image(repository), Tags: []string{tag}, Dockerconfig: s.dockerconfig,
		CAFile: s.quay.CAFile(), ResultsDir: s.results}
}
