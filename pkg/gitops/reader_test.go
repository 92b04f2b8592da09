package gitops_test

import (
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/pkg/gitops"
	"github.com/comptech-lab/quay-push/pkg/gitops/gitopstest"
)

// reader reads what the server has.
func reader(t *testing.T, s *gitopstest.Server) *gitops.Reader {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"username": gitopstest.Username, "password": gitopstest.Password} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, err := gitops.NewReader(gitops.Reading{Repository: s.URL(), Credential: dir, PlainHTTP: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// day is a day of the tests' history.
func day(n int) time.Time { return time.Date(2026, 1, n, 12, 0, 0, 0, time.UTC) }

// all wants every branch and tag.
func all(gitops.Ref) bool { return true }

// read returns the contents of branches and tags, each with its new files, and under "past" those that were there since.
func read(t *testing.T, r *gitops.Reader, since time.Time) map[string][]string {
	t.Helper()
	s, err := r.Read(t.Context(), since, all)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got := map[string][]string{}
	for _, ref := range s.Refs() {
		name := strings.TrimPrefix(ref.String(), "branch ")
		got[name] = nil
		if err := s.Files(t.Context(), ref, func(content []byte) error { got[name] = append(got[name], string(content)); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Past(t.Context(), s.Refs(), func(content []byte) error { got["past"] = append(got["past"], string(content)); return nil }); err != nil {
		t.Fatal(err)
	}
	for _, files := range got {
		slices.Sort(files)
	}
	return got
}

// Every branch is read as it is, and as it was at any time since another: what was there before the first commit of that time, too.
func TestReader(t *testing.T) {
	s := gitopstest.Start(t, map[string]string{"a/b/file": "zero"})
	gitopstest.Git(t, s.Dir, "update-ref", "-d", "refs/heads/main")
	s.Import(func(w io.Writer) {
		gitopstest.WriteCommit(w, day(1), "main", "", map[string]string{"a/b/file": "one", "same": "same"})
		gitopstest.WriteCommit(w, day(2), "main", "", map[string]string{"a/b/file": "two"})
		gitopstest.WriteCommit(w, day(3), "ci/dev/x", "refs/heads/main", map[string]string{"a/b/file": "branch"})
		gitopstest.WriteCommit(w, day(20), "main", "", map[string]string{"a/b/file": "three"})
		gitopstest.WriteCommit(w, day(25), "main", "", map[string]string{"a/b/file": "four"})
	})
	r := reader(t, s)
	for since, past := range map[int][]string{30: nil, 26: nil, 25: {"three"}, 21: {"three"}, 20: {"three", "two"}, 4: {"three", "two"}, 3: {"three", "two"}, 2: {"one", "three", "two"}, 1: {"one", "three", "two"}} {
		want := map[string][]string{"ci/dev/x": {"branch", "same"}, "main": {"four"}}
		if past != nil {
			want["past"] = past
		}
		if diff := cmp.Diff(want, read(t, r, day(since))); diff != "" {
			t.Errorf("since %d (-want +got):\n%s", since, diff)
		}
	}
	heads, err := r.Heads(t.Context())
	if want := map[gitops.Ref]string{"refs/heads/main": s.Head("main"), "refs/heads/ci/dev/x": s.Head("ci/dev/x")}; err != nil || !maps.Equal(heads, want) {
		t.Errorf("heads %v, error %v", heads, err)
	}
}

// History that is longer than the first fetch is fetched again, deeper.
func TestReaderDeep(t *testing.T) {
	s := gitopstest.Start(t, map[string]string{"file": "zero"})
	s.Import(func(w io.Writer) {
		from := "refs/heads/main^0"
		for i := range 120 {
			gitopstest.WriteCommit(w, day(10).Add(time.Duration(i)*time.Minute), "main", from, map[string]string{"file": fmt.Sprint("n", i)})
			from = ""
		}
	})
	got := read(t, reader(t, s), day(5))
	// The first commit is of today, and so are all before it: what counts is the child's time.
	if len(got["past"]) != 120 || !slices.Contains(got["past"], "zero") || got["main"][0] != "n119" {
		t.Errorf("%d files of the past, main %q", len(got["past"]), got["main"])
	}
	if got := read(t, reader(t, s), day(10).Add(100*time.Minute)); len(got["past"]) != 20 || slices.Contains(got["past"], "n98") {
		t.Errorf("since the 100th: %q", got["past"])
	}
}

// Two directories have the same Sys only where they have the same content.
func TestReaderSys(t *testing.T) {
	s := gitopstest.Start(t, map[string]string{"apps/a/file": "one", "apps/b/file": "one", "apps/c/file": "two"})
	s.Import(func(w io.Writer) {
		gitopstest.WriteCommit(w, day(1), "other", "refs/heads/main^0", map[string]string{"apps/c/file": "three"})
	})
	snapshot, err := reader(t, s).Read(t.Context(), time.Now(), all)
	if err != nil {
		t.Fatal(err)
	}
	defer snapshot.Close()
	sys := func(branch, dir string) any {
		tree, err := snapshot.Tree(gitops.Ref("refs/heads/" + branch))
		if err != nil {
			t.Fatal(err)
		}
		info, err := fs.Lstat(tree, dir)
		if err != nil {
			t.Fatal(err)
		}
		return info.Sys()
	}
	a := sys("main", "apps/a")
	if a == nil || sys("main", "apps/b") != a || sys("other", "apps/a") != a || sys("main", "apps/c") == a || sys("other", "apps/c") == sys("main", "apps/c") {
		t.Error("Sys does not tell content apart")
	}
}

// Whatever is not the whole repository is an error.
func TestReaderFails(t *testing.T) {
	s := gitopstest.Start(t, map[string]string{"file": "zero"})
	r := reader(t, s)
	for name, c := range map[string]struct {
		before func(w http.ResponseWriter, r *http.Request) bool
		want   string
	}{
		"no answer of the list": {func(w http.ResponseWriter, r *http.Request) bool {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return true
		}, "the repository cannot be fetched"},
		"no pack": {func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodPost {
				http.Error(w, "down", http.StatusServiceUnavailable)
			}
			return r.Method == http.MethodPost
		}, "its 1 branches and tags cannot be fetched"},
	} {
		s.Before.Store(&c.before)
		if _, err := r.Read(t.Context(), day(1), all); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), gitopstest.Password) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.Before.Store(nil)
	shallow := filepath.Join(s.Dir, "shallow")
	s.Commit("main", "more", map[string]string{"file": "one"})
	if err := os.WriteFile(shallow, []byte(s.Head("main")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Read(t.Context(), day(1), all); err == nil || !strings.Contains(err.Error(), "the history is not whole") {
		t.Errorf("of a shallow clone: %v", err)
	}
	if err := os.Remove(shallow); err != nil {
		t.Fatal(err)
	}
	gitopstest.Git(t, s.Dir, "update-ref", "-d", "refs/heads/main")
	if _, err := r.Read(t.Context(), day(1), all); err == nil || !strings.Contains(err.Error(), "no branch") && !strings.Contains(err.Error(), "empty") {
		t.Errorf("a repository without a branch: %v", err)
	}
	if _, err := r.Heads(t.Context()); err == nil {
		t.Error("a repository without a branch has heads")
	}
	for name, reading := range map[string]gitops.Reading{"no URL": {}, "a user in it": {Repository: "https://a:b@git.example.com/x"}, "no TLS": {Repository: "http://git.example.com/x"},
		"no credential": {Repository: "https://git.example.com/x", Credential: t.TempDir()}, "no file": {Repository: "https://git.example.com/x", CAFile: "none"}} {
		if _, err := gitops.NewReader(reading); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
