package cli_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/cli"
	"github.com/comptech-lab/quay-push/pkg/reference"
)

// A digest that is pinned, and that no tag keeps for good, is named, with how it would die and when.
func TestOverlayFate(t *testing.T) {
	w := newWorld(t)
	s := &shelf{world: w}
	w.quay.AddRobot("team-payments", "pusher")
	w.quay.Grant("team-payments/app", "team-payments+pusher", quaytest.Write)
	w.quay.SetAutoPrune(true)
	digest := s.push("team-payments")
	image := w.quay.Host() + "/team-payments/app"
	clone(t)
	for name, content := range map[string]string{
		"apps/payments/checkout/base/deployment.yaml":            "apiVersion: v1\nkind: Pod\nmetadata: {name: app}\nspec: {containers: [{name: app, image: \"" + image + ":x\"}]}\n",
		"apps/payments/checkout/overlays/prd/kustomization.yaml": "resources: [../../base]\nimages:\n  - name: " + image + "\n    newName: " + image + "\n    digest: " + digest + "\n",
	} {
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	set := time.Time{}
	check := func(name string, exit cli.Exit, how string, dies time.Duration) {
		t.Helper()
		got, out, stderr := w.run(t.Context(), "", "overlay", "verify", "apps/payments/checkout/overlays/prd", "--registry", "-o", "json")
		var r struct {
			Findings []struct {
				Reason, Problem string
				Dies            time.Time
			}
		}
		if err := json.Unmarshal([]byte(out), &r); err != nil || got != exit || (how == "") != (len(r.Findings) == 0) {
			t.Fatalf("%s: exit %d, %v\n%s%s", name, got, err, out, stderr)
		}
		if how == "" {
			return
		}
		f := r.Findings[0]
		if f.Reason != "not-alive" || !strings.Contains(f.Problem, how) || f.Dies.IsZero() != (dies == 0) || dies != 0 && f.Dies.Sub(set.Add(dies)).Abs() > time.Minute {
			t.Errorf("%s: %+v, set at %s", name, f, set)
		}
	}
	check("a mutable anchor", cli.ExitOK, "", 0)
	set = w.quay.Now()
	w.quay.AddAutoPrune("team-payments", "creation_date", "7d", "", true)
	check("a policy of the organization", cli.ExitFindings, `auto-prune, which takes tags after 7d, takes tag "`+reference.Anchor(digest)+`" at `, 7*24*time.Hour)
	w.quay.AddImmutability("team-payments", reference.AnchorPattern, true)
	check("an immutable anchor", cli.ExitOK, "", 0)
	w.quay.Advance(8 * 24 * time.Hour)
	if gone := w.quay.Prune(); len(gone) != 0 {
		t.Fatalf("what is immutable was pruned: %q", gone)
	}
	w.quay.SetRepositoryImmutable("team-payments/app", false)
	set = w.quay.Now()
	if gone := w.quay.Prune(); len(gone) != 1 {
		t.Fatalf("pruned %q", gone)
	}
	check("the time machine", cli.ExitFindings, "no tag has named it since ", quaytest.TimeMachine)
	w.quay.Advance(quaytest.TimeMachine + time.Hour)
	w.quay.CollectGarbage()
	check("it is gone", cli.ExitFindings, "no tag names it, and none did recently", 0)
}

// An image of an index is kept by the index's tag, though none names it itself, and is not called dead.
func TestOverlayFateInAnIndex(t *testing.T) {
	w := newWorld(t)
	w.quay.AddRobot("team-payments", "pusher")
	w.quay.Grant("team-payments/app", "team-payments+pusher", quaytest.Write)
	made, err := random.Index(16, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	list, err := made.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	image := w.quay.Host() + "/team-payments/app"
	to, err := name.NewTag(image + ":v1")
	if err != nil {
		t.Fatal(err)
	}
	options := []remote.Option{remote.WithContext(t.Context()), remote.WithTransport(w.quay.Client().Transport),
		remote.WithAuth(&authn.Basic{Username: "team-payments+pusher", Password: w.quay.RobotToken("team-payments+pusher")})}
	if err := remote.WriteIndex(to, made, options...); err != nil {
		t.Fatal(err)
	}
	clone(t)
	pinned := list.Manifests[1].Digest.String()
	for name, content := range map[string]string{
		"apps/payments/checkout/base/deployment.yaml":            "apiVersion: v1\nkind: Pod\nmetadata: {name: app}\nspec: {containers: [{name: app, image: \"" + image + ":x\"}]}\n",
		"apps/payments/checkout/overlays/prd/kustomization.yaml": "resources: [../../base]\nimages:\n  - name: " + image + "\n    newName: " + image + "\n    digest: " + pinned + "\n",
	} {
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	w.quay.Advance(3 * time.Hour)
	verify := func() (cli.Exit, string) {
		exit, out, stderr := w.run(t.Context(), "", "overlay", "verify", "apps/payments/checkout/overlays/prd", "--registry")
		return exit, out + stderr
	}
	if exit, out := verify(); exit != cli.ExitOK {
		t.Errorf("exit %d: %s", exit, out)
	}
	// With the tag gone to another image, it is.
	other, err := random.Image(16, 1)
	if err == nil {
		err = remote.Write(to, other, options...)
	}
	if err != nil {
		t.Fatal(err)
	}
	if exit, out := verify(); exit != cli.ExitFindings || !strings.Contains(out, "not-alive") {
		t.Errorf("exit %d: %s", exit, out)
	}
}
