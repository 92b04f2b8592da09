package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/gitops/gitopstest"
	"github.com/comptech-lab/quay-push/pkg/push"
)

// changing is what is another one each time: ports and commits.
var changing = regexp.MustCompile(`127\.0\.0\.1:\d+|at [0-9a-f]{8}`)

func TestTry(t *testing.T) {
	var out bytes.Buffer
	if err := try(t.Context(), &out); err != nil {
		t.Error(err)
	}
	want, err := os.ReadFile("testdata/story.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got := changing.ReplaceAllString(out.String(), "…"); got != string(want) {
		t.Errorf("the story is (-testdata/story.txt +told):\n%s", cmp.Diff(string(want), got))
	}
}

// What the story tells can be untrue, and it says so.
func TestUntrue(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*stage)
		untrue []string
	}{
		"the layout has another image": {func(s *stage) { s.imageDigest = gitopstest.Digest("a") },
			[]string{"it is the digest that the build wrote", "kustomize images item", "it has one commit"}},
		"the organization is everybody's": {func(s *stage) { s.convention.Organization = "team-platform" },
			[]string{"tenant payments, decided by rule", "Secret ", "the controller refuses with "}},
		"another robot pushed there": {func(s *stage) { pushForeign(t, s) }, []string{"Quay has no tag in "}},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			s, err := open(t.TempDir(), &out)
			if err != nil {
				t.Fatal(err)
			}
			defer s.close()
			c.change(s)
			if err := s.tell(t.Context()); err == nil || !strings.Contains(err.Error(), "untrue") {
				t.Errorf("error is %v", err)
			}
			for _, statement := range c.untrue {
				if !strings.Contains(out.String(), "\n  UNTRUE "+statement) {
					t.Errorf("%q is not told as untrue", statement)
				}
			}
			if n := strings.Count(out.String(), "UNTRUE"); n != len(c.untrue) {
				t.Errorf("%d statements are untrue, want %d:\n%s", n, len(c.untrue), out.String())
			}
		})
	}
}

// pushForeign pushes as the other team's own robot.
func pushForeign(t *testing.T, s *stage) {
	t.Helper()
	s.quay.AddRobot("team-platform", "ci")
	s.quay.Grant(foreign, "team-platform+ci", quaytest.Write)
	options := s.options(foreign, "v1")
	options.Dockerconfig = filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(options.Dockerconfig, s.quay.Dockerconfig("team-platform+ci"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := push.Push(t.Context(), options); err != nil {
		t.Fatal(err)
	}
}
