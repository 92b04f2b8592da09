package push_test

import (
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/push"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/reference"
)

// onAnyTag are the paths of the tag v1 and of every anchor.
const onAnyTag = "/manifests/(v1|digest-[0-9a-f]{32})$"

// A tag that moves on leaves the digest before to its anchor. Without one it cannot be pulled any more once its hour is over, whatever pins
// it, and is not even in Quay two weeks later.
func TestAnchorKeepsWhatATagLeaves(t *testing.T) {
	for _, anchored := range []bool{true, false} {
		f := newFixture(t)
		f.opts.Tags, f.opts.NoAnchor = []string{"main"}, !anchored
		first := f.push()
		writeLayout(t, f.layout, small)
		second := f.push()
		tags := map[string]string{"main": second.Digest}
		if anchored {
			tags[reference.Anchor(first.Digest)], tags[reference.Anchor(second.Digest)] = first.Digest, second.Digest
		}
		if diff := cmp.Diff(tags, f.Tags("team-a/app")); diff != "" {
			t.Errorf("anchored %v: tags (-want +got):\n%s", anchored, diff)
		}
		if got := f.result("IMAGE_URL"); got != f.Host()+"/team-a/app:main" {
			t.Errorf("anchored %v: IMAGE_URL = %q", anchored, got)
		}
		for _, later := range []time.Duration{2 * time.Hour, 15 * 24 * time.Hour} {
			f.Advance(later)
			f.CollectGarbage()
			if _, _, served := f.Manifest("team-a/app", first.Digest); served != anchored {
				t.Errorf("anchored %v: %s after the tag moved on, the first digest is served: %v", anchored, later, served)
			}
		}
		if there := f.HasManifest("team-a/app", first.Digest); there != anchored {
			t.Errorf("anchored %v: two weeks after the tag moved on, Quay has the first digest: %v", anchored, there)
		}
		if _, _, served := f.Manifest("team-a/app", second.Digest); !served {
			t.Errorf("anchored %v: the digest that has the tag is gone", anchored)
		}
	}
}

// The label of an image ends its anchor, too, unless a policy keeps anchors: with that neither the label nor auto-prune takes one, and
// other tags move on as ever.
func TestAnchorWithAPolicy(t *testing.T) {
	for _, kept := range []bool{true, false} {
		f := newFixture(t)
		if kept {
			f.AddImmutability("team-a", reference.AnchorPattern, true)
		}
		f.AddAutoPrune("team-a", "number_of_tags", "1", "", true)
		f.opts.Tags = []string{"main"}
		label := `{"os":"linux","architecture":"amd64","config":{"Labels":{"quay.expires-after":"2d"}}}`
		writeIndex(t, f.layout, writeImage(t, f.layout, label, small))
		expiring := f.push()
		if !strings.Contains(f.log.String(), "no tag outlasts the label, the anchor neither, unless the organization has an immutability policy for anchors") {
			t.Error("the log does not say what becomes of the anchor")
		}
		writeLayout(t, f.layout, small, large)
		first := f.push()
		f.push() // The anchor that is there is no failure.
		writeLayout(t, f.layout, small)
		last := f.push()
		for range 3 {
			f.Advance(24 * time.Hour)
			f.Prune()
			f.CollectGarbage()
		}
		for name, image := range map[string]push.Result{"with the label": expiring, "first": first} {
			if _, _, served := f.Manifest("team-a/app", image.Digest); served != kept {
				t.Errorf("kept %v: the image %s is served: %v", kept, name, served)
			}
		}
		if got := f.Tags("team-a/app"); kept && (len(got) != 4 || got["main"] != last.Digest) || !kept && len(got) != 1 {
			t.Errorf("kept %v: tags %v", kept, got)
		}
	}
}

// The anchor costs a look, a PUT and a read back, each at the same time as that of the tag: no round trip more.
func TestAnchorCostsNoRoundTrip(t *testing.T) {
	requests := map[bool]int{}
	for _, anchored := range []bool{true, false} {
		f := newFixture(t)
		f.opts.NoAnchor = !anchored
		if anchored {
			look, put, back := newCrowd(2), newCrowd(2), newCrowd(2)
			f.Faults.Add(
				quaytest.Fault{Name: "look", Method: "GET", Path: onAnyTag, Times: 2, Effect: look.effect},
				quaytest.Fault{Name: "put", Method: "PUT", Path: onAnyTag, Times: 2, Effect: put.effect},
				quaytest.Fault{Name: "read back", Method: "GET", Path: onAnyTag, Nth: 3, Times: 2, Effect: back.effect})
			defer func() {
				if look.most != 2 || put.most != 2 || back.most != 2 {
					t.Errorf("at the same time were %d looks, %d PUTs and %d reads, want 2 of each", look.most, put.most, back.most)
				}
			}()
		}
		f.push()
		requests[anchored] = len(f.Requests())
	}
	if diff := cmp.Diff(map[bool]int{true: 15, false: 12}, requests); diff != "" {
		t.Errorf("requests of a first push, with an anchor and without (-want +got):\n%s", diff)
	}
}

// An anchor that is there is left alone, as it may not be set again; one that another run sets meanwhile is no conflict.
func TestAnchorThatMayNotMove(t *testing.T) {
	f := newFixture(t)
	image := writeLayout(t, f.layout, small, large)
	anchor := reference.Anchor(image.Digest)
	same := f.opts
	same.Tags, same.LogOutput, same.ResultsDir = nil, nil, ""
	f.Faults.Add(quaytest.Fault{Name: "race", Method: "PUT", Path: "/manifests/digest-", Effect: quaytest.Do(func() {
		if _, err := push.Push(t.Context(), same); err != nil {
			t.Error(err)
		}
		f.SetImmutable("team-a", true)
	})})
	f.opts.Tags = []string{"v1"}
	f.push()
	if n := refused(f); n == 0 {
		t.Error("Quay refused no tag: the anchor was not there before it was set")
	}
	f.ForgetRequests()
	f.opts.Tags = []string{"v2"}
	f.push()
	if n := refused(f); n > 0 || f.count("PUT", "/manifests/digest-") > 0 {
		t.Errorf("the anchor was set again, and %d times refused", n)
	}
	if diff := cmp.Diff(map[string]string{"v1": image.Digest, "v2": image.Digest, anchor: image.Digest}, f.Tags("team-a/app")); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
}

// refused counts the requests that Quay answered with 409.
func refused(f *fixture) (n int) {
	for _, r := range f.Requests() {
		if r.Status == 409 {
			n++
		}
	}
	return n
}

// Where a tag may not move, the image is in the registry nevertheless: the anchor is set, whichever of them is asked for first.
func TestAnchorOfARefusedTag(t *testing.T) {
	for _, slow := range []string{onTag, "/manifests/digest-"} {
		f := newFixture(t)
		f.push()
		f.SetImmutable("team-a", true)
		remove(t, f.results+"/IMAGE_URL")
		second := writeLayout(t, f.layout, small)
		anchor := reference.Anchor(second.Digest)
		f.ForgetRequests()
		f.Faults.Add(quaytest.Fault{Name: "slow", Method: "PUT", Path: slow, Effect: quaytest.Do(func() {
			// Until the other one is answered, and what its answer might end has ended.
			for range 200 {
				if answered := f.Tags("team-a/app")[anchor] != "" || refused(f) > 0; answered {
					break
				}
				time.Sleep(10 * time.Millisecond)
			}
		})})
		if reason := f.fail(failure.ClassTagImmutable); !strings.Contains(reason.Next, "choose a new tag") || !strings.Contains(reason.Next, anchor) {
			t.Errorf("the next step is %q, want a new tag, and %q", reason.Next, anchor)
		}
		if got := f.Tags("team-a/app")[anchor]; got != second.Digest {
			t.Errorf("%s slow: the anchor is %q, want %q", slow, got, second.Digest)
		}
		// Nothing is sent again for another tag.
		f.opts.Tags = []string{"v2"}
		if result := f.push(); result.SentBytes != 0 {
			t.Errorf("%d bytes were sent again", result.SentBytes)
		}
	}
	f := newFixture(t)
	f.push()
	f.SetImmutable("team-a", true)
	remove(t, f.results+"/IMAGE_URL")
	writeLayout(t, f.layout, small)
	f.opts.NoAnchor = true
	if reason := f.fail(failure.ClassTagImmutable); !strings.HasSuffix(reason.Next, "by its digest for an hour") {
		t.Errorf("without an anchor the next step is %q", reason.Next)
	}
}

// Who may push may put another image under an anchor's name. While it may move it is set right; else nobody but an administrator can.
func TestAnchorThatSomebodyElseSet(t *testing.T) {
	for _, immutable := range []bool{false, true} {
		f := newFixture(t)
		image := writeLayout(t, f.layout, small, large)
		anchor := reference.Anchor(image.Digest)
		forger := newLayoutPush(t, f)
		forger.Tags, forger.NoAnchor = []string{anchor}, true
		if _, err := push.Push(t.Context(), forger); err != nil {
			t.Fatal(err)
		}
		f.SetImmutable("team-a", immutable)
		f.opts.IfTagAbsent = true // It asks for the tags that were given.
		if !immutable {
			f.push()
			if got := f.Tags("team-a/app")[anchor]; got != image.Digest {
				t.Errorf("the anchor is %q, want %q", got, image.Digest)
			}
			continue
		}
		_, err := push.Push(t.Context(), f.opts)
		reason, _ := err.(*failure.Error)
		if failure.ExitCode(err) != failure.ClassTagImmutable.Exit || !strings.Contains(reason.Next, "have an administrator of the repository delete that tag") {
			t.Errorf("pushing = %v", err)
		}
	}
}

// The flag is on by default, and takes what a param of a Task is made of.
func TestAnchorFlag(t *testing.T) {
	for _, test := range []struct {
		args []string
		off  bool
		ok   bool
	}{
		{nil, false, true}, {[]string{"--anchor"}, false, true}, {[]string{"--anchor=true"}, false, true}, {[]string{"--anchor=false"}, true, true},
		{[]string{"--anchor=false", "--anchor=true"}, false, true}, {[]string{"--anchor="}, false, false}, {[]string{"--anchor=no"}, false, false},
	} {
		var o push.Options
		set := flag.NewFlagSet("", flag.ContinueOnError)
		set.SetOutput(io.Discard)
		o.Flags(set)
		if err := set.Parse(test.args); (err == nil) != test.ok || o.NoAnchor != test.off {
			t.Errorf("%q: NoAnchor = %v, %v", test.args, o.NoAnchor, err)
		}
		if got := set.Lookup("anchor").DefValue; got != "true" {
			t.Errorf("the default is %q", got)
		}
	}
}

// Without an anchor there has to be a tag: before anything is read or asked.
func TestNeitherAnchorNorTag(t *testing.T) {
	f := newFixture(t)
	f.opts.NoAnchor, f.opts.Tags, f.opts.Source = true, []string{""}, "oci:none"
	if reason := f.fail(failure.ClassUsage); !strings.Contains(reason.Problem, "--anchor (param anchor) is false, and there is no tag") {
		t.Error(reason)
	}
	if n := len(f.Requests()); n > 0 {
		t.Errorf("%d requests", n)
	}
	f.opts.ImageRef, f.opts.Source = f.opts.ImageRef+":v1", "oci:"+f.layout
	if got := f.push().Tags; !cmp.Equal(got, []string{"v1"}) || len(f.Tags("team-a/app")) != 1 {
		t.Errorf("tags %q, and in Quay %v", got, f.Tags("team-a/app"))
	}
}

// A rehearsal tells of the anchor as of every tag, and sets none; results, evidence and log have it.
func TestAnchorIsTold(t *testing.T) {
	for _, dry := range []bool{true, false} {
		f := newFixture(t)
		image := writeLayout(t, f.layout, small, large)
		told := `"msg":"a push would set the tag","tag":"` + reference.Anchor(image.Digest) + `","digest":"` + image.Digest + `","before":""`
		f.opts.DryRun, f.opts.Preflight = dry, !dry
		if got := f.push().Tags; !cmp.Equal(got, []string{"v1", reference.Anchor(image.Digest)}) {
			t.Errorf("tags %q", got)
		}
		if !strings.Contains(f.log.String(), told) || len(f.Tags("team-a/app")) > 0 {
			t.Errorf("tags %v, want none, and in the log %s", f.Tags("team-a/app"), told)
		}
		f.opts.NoAnchor = true
		if got := f.push().Tags; !cmp.Equal(got, []string{"v1"}) || strings.Count(f.log.String(), told) != 1 {
			t.Errorf("without an anchor: tags %q", got)
		}
	}
	f := newFixture(t)
	image := writeLayout(t, f.layout, small, large)
	f.opts.EvidenceDir = t.TempDir()
	f.push()
	if want := `"tags":["v1","` + reference.Anchor(image.Digest) + `"]`; !strings.Contains(f.log.String(), want) {
		t.Errorf("the log has no %s", want)
	}
	content, err := os.ReadFile(f.opts.EvidenceDir + "/evidence.json")
	var got struct{ Tags []struct{ Name string } }
	if err := errors.Join(err, json.Unmarshal(content, &got)); err != nil || len(got.Tags) != 2 || got.Tags[1].Name != reference.Anchor(image.Digest) {
		t.Errorf("evidence.json = %s (%v)", content, err)
	}
}

// Several sources have the anchor of their index, and so has an image that comes from a registry.
func TestAnchorOfOtherSources(t *testing.T) {
	f := newFixture(t)
	amd, _ := platformLayout(t, linuxAMD64, small)
	arm, _ := platformLayout(t, linuxARM64, large)
	f.opts.Source, f.opts.Tags = amd+","+arm, []string{"main"}
	index := f.push()
	f.AddRepository("team-a", "copy")
	f.Grant("team-a/copy", "team-a+ci", quaytest.Write)
	f.opts.Source, f.opts.ImageRef = "docker://"+f.Host()+"/team-a/app:main", f.Host()+"/team-a/copy"
	if copied := f.push(); copied.Digest != index.Digest {
		t.Errorf("the copy is %s, want %s", copied.Digest, index.Digest)
	}
	for _, repository := range []string{"team-a/app", "team-a/copy"} {
		if diff := cmp.Diff(map[string]string{"main": index.Digest, reference.Anchor(index.Digest): index.Digest}, f.Tags(repository)); diff != "" {
			t.Errorf("tags of %s (-want +got):\n%s", repository, diff)
		}
	}
}
