package gitops_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/pkg/gitops/gitopstest"
)

// evidence reads evidence.json, and checks image-digest.txt.
func (f *fixture) evidence() map[string]any {
	f.t.Helper()
	dir := filepath.Join(f.opts.Workspace, "evidence")
	line, err := os.ReadFile(filepath.Join(dir, "image-digest.txt"))
	if err != nil || string(line) != f.opts.Digest+"\n" {
		f.t.Errorf("image-digest.txt is %q, %v", line, err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "evidence.json"))
	if err != nil {
		f.t.Fatal(err)
	}
	var evidence map[string]any
	if err := json.Unmarshal(data, &evidence); err != nil {
		f.t.Fatal(err)
	}
	checkNoSecret(f.t, "the evidence", string(data))
	return evidence
}

func (f *fixture) wantEvidence(commit string, changed bool) map[string]any {
	return map[string]any{
		"pipelineRun": "checkout-7x2vq", "sourceCommit": sourceCommit, "image": gitopstest.Image("checkout"), "digest": gitopstest.Digest("a"), "time": "2026-11-24T12:00:00Z",
		"overlay": map[string]any{"repository": f.URL(), "path": overlayPath, "branch": branch, "commit": commit, "changed": changed},
	}
}

func TestEvidence(t *testing.T) {
	f := newFixture(t)
	commit := f.update().Commit
	if diff := cmp.Diff(f.wantEvidence(commit, true), f.evidence()); diff != "" {
		t.Errorf("evidence (-want +got):\n%s", diff)
	}
	f.update()
	if diff := cmp.Diff(f.wantEvidence(commit, false), f.evidence()); diff != "" {
		t.Errorf("evidence of the second run (-want +got):\n%s", diff)
	}
}

// What push-image wrote about this digest stays; what was written about another one, or is no evidence, goes.
func TestEvidenceBesideThePush(t *testing.T) {
	f := newFixture(t)
	name := filepath.Join(f.opts.Workspace, "evidence", "evidence.json")
	if err := os.Mkdir(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(content string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(`{"digest": "` + gitopstest.Digest("a") + `", "robot": "team-payments+ci", "sentBytes": 9007199254740991}`)
	want := f.wantEvidence(f.update().Commit, true)
	want["robot"], want["sentBytes"] = "team-payments+ci", 9007199254740991.0
	if diff := cmp.Diff(want, f.evidence()); diff != "" {
		t.Errorf("evidence (-want +got):\n%s", diff)
	}
	want = f.wantEvidence(f.Head(branch), false)
	for _, other := range []string{`{"digest": "` + gitopstest.Digest("b") + `", "robot": "x"}`, "{", "[]", "null", "", strings.Repeat(" ", 1<<21) + "{}"} {
		write(other)
		f.update()
		if diff := cmp.Diff(want, f.evidence()); diff != "" {
			t.Errorf("over %.40q (-want +got):\n%s", other, diff)
		}
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "other.json")
	content := `{"digest": "` + gitopstest.Digest("a") + `", "secret": "x"}`
	if err := os.WriteFile(other, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(other, name); err != nil {
		t.Fatal(err)
	}
	f.update()
	if diff := cmp.Diff(want, f.evidence()); diff != "" {
		t.Errorf("through a link (-want +got):\n%s", diff)
	}
	if got, err := os.ReadFile(other); err != nil || string(got) != content {
		t.Errorf("what the link led to is %q, %v", got, err)
	}
}

func TestEvidenceCannotBeWritten(t *testing.T) {
	f := newFixture(t)
	if err := os.WriteFile(filepath.Join(f.opts.Workspace, "evidence"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	f.opts.Now = nil
	_, err := f.tryUpdate()
	if err == nil || !strings.Contains(err.Error(), "the evidence cannot be written") || f.hasResult("branch") {
		t.Errorf("error is %v", err)
	}
}

// GitLab is asked with the push for a merge request; a server that knows no push options gets none.
func TestMergeRequest(t *testing.T) {
	f := newFixture(t)
	f.opts.MergeRequest = true
	if got := f.update(); !got.Changed {
		t.Errorf("Update = %+v", got)
	}
	gitopstest.Git(t, f.Dir, "config", "receive.advertisePushOptions", "true")
	said := filepath.Join(t.TempDir(), "options")
	hook := "#!/bin/sh\ni=0\nwhile [ $i -lt $GIT_PUSH_OPTION_COUNT ]; do eval echo \\\"\\$GIT_PUSH_OPTION_$i\\\"; i=$((i+1)); done | sort >" + said + "\n"
	if err := os.WriteFile(filepath.Join(f.Dir, "hooks", "pre-receive"), []byte(hook), 0o755); err != nil {
		t.Fatal(err)
	}
	f.opts.Digest = gitopstest.Digest("b")
	f.update()
	got, err := os.ReadFile(said)
	want := "merge_request.create=true\nmerge_request.remove_source_branch=true\nmerge_request.target=main\nmerge_request.title=bump: payments/checkout dev @bbbbbbbb\n"
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("push options (-want +got):\n%s", diff)
	}
}
