package push_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// A rehearsal writes nothing: no request but reads, no result, no repository.
func TestRehearsalsWriteNothing(t *testing.T) {
	for _, dry := range []bool{true, false} {
		f := newFixture(t)
		f.opts.DryRun, f.opts.Preflight = dry, !dry
		result := f.push()
		if result.Pinned() == "" {
			t.Error("no result")
		}
		for _, r := range f.Requests() {
			if r.Method != "GET" && r.Method != "HEAD" {
				t.Errorf("a rehearsal sent %+v", r)
			}
		}
		if left, _ := os.ReadDir(f.results); len(left) > 0 {
			t.Errorf("results were left: %v", left)
		}
		if told := strings.Contains(f.log.String(), "a push would send a blob"); told != dry {
			t.Errorf("dry run %v, blobs told %v", dry, told)
		}
	}
}

// Quay creates a repository when a robot that may asks for the right to push.
func TestRehearsalCreatesNoRepository(t *testing.T) {
	f := newFixture(t)
	f.SetCreator("team-a", "team-a+ci")
	f.opts.ImageRef = f.Host() + "/team-a/new"
	f.opts.Preflight = true
	f.fail(failure.ClassNoAccess)
	if f.HasRepository("team-a/new") {
		t.Error("the rehearsal created the repository")
	}
	f.opts.Preflight = false
	f.push()
	if !f.HasRepository("team-a/new") {
		t.Error("the push did not create the repository")
	}
}

func TestDryRunReadsEveryByte(t *testing.T) {
	f := newFixture(t)
	image := writeLayout(t, f.layout, small, large)
	write(t, blobFile(f.layout, layers(t, f.layout, image)[1].Digest), bytes.Repeat([]byte("x"), large))
	f.opts.DryRun = true
	f.fail(failure.ClassSourceCorrupt)
}

// The robot of one organization never asks for a token that reaches into another one.
func TestRobotOfAnotherOrganization(t *testing.T) {
	f := newFixture(t)
	f.AddOrganization("team-b")
	f.AddRepository("team-b", "app")
	f.opts.ImageRef = f.Host() + "/team-b/app"
	f.fail(failure.ClassOtherOrganization)
	if n := len(f.Requests()); n > 0 {
		t.Errorf("%d requests", n)
	}
}

func TestProgress(t *testing.T) {
	f := newFixture(t)
	writeLayout(t, f.layout, 32<<20, large)
	f.opts.ProgressEvery = 1 // Every nanosecond, or whenever the machine comes to it.
	f.push()
	for _, text := range []string{`"msg":"sending","bytes":`, `"bytes_per_second":`, `"blobs_left":`, `"msg":"sent a blob"`, `"left":0`} {
		if !strings.Contains(f.log.String(), text) {
			t.Errorf("the log has no %s", text)
		}
	}
	if strings.Count(f.log.String(), `"msg":"sent a blob"`) != 3 {
		t.Error("the log has not one line for each of the three blobs")
	}
}

// Large bodies go over HTTP/1.1, everything else over HTTP/2.
func TestTransport(t *testing.T) {
	f := newFixture(t)
	f.push()
	for _, r := range f.Requests() {
		want := "HTTP/2.0"
		if r.Bytes > 48<<10 {
			want = "HTTP/1.1"
		}
		if r.Proto != want {
			t.Errorf("%s %s with %d bytes went over %s, want %s", r.Method, r.Path, r.Bytes, r.Proto, want)
		}
	}
	// A challenge, a token, three looks; one request for each small blob and two for the large one; the manifest, the tag, the anchor,
	// and all three read back.
	if n := len(f.Requests()); n != 2+3+1+1+2+3+3 {
		t.Errorf("%d requests, want 15", n)
	}
}
