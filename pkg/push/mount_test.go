package push_test

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/push"
)

// within makes the source a repository of the fixture's own registry, with an image in it.
func within(t *testing.T, f *fixture, repository string) descriptor {
	t.Helper()
	organization, name, _ := strings.Cut(repository, "/")
	if organization != "team-a" {
		f.AddOrganization(organization)
	}
	f.AddRepository(organization, name)
	robot := organization + "+source"
	f.AddRobot(organization, "source")
	f.Grant(repository, robot, quaytest.Write)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "config.json"), f.Dockerconfig(robot))
	image := writeLayout(t, dir, small, large)
	if _, err := push.Push(t.Context(), push.Options{Source: dir, ImageRef: f.Host() + "/" + repository, Tags: []string{"latest"}, Dockerconfig: dir, CAFile: f.CAFile()}); err != nil {
		t.Fatal(err)
	}
	// The entry for the repository is a longer match than that for the host.
	var own struct{ Auths map[string]json.RawMessage }
	if err := json.Unmarshal(f.Dockerconfig(robot), &own); err != nil {
		t.Fatal(err)
	}
	f.credentials(f.Dockerconfig("team-a+ci"), marshal(t, map[string]any{"auths": map[string]any{f.Host() + "/" + repository: own.Auths[f.Host()]}}))
	f.opts.Source = "docker://" + f.Host() + "/" + repository
	f.ForgetRequests()
	return image
}

// Within one registry no byte of a blob moves if the robot may read the source.
func TestRemoteMounts(t *testing.T) {
	f := newFixture(t)
	image := within(t, f, "team-a/base")
	f.Grant("team-a/base", "team-a+ci", quaytest.Read)
	if result := f.push(); result.Digest != image.Digest || result.SentBytes != 0 {
		t.Errorf("Push = %s with %d bytes sent, want %s and none", result.Digest, result.SentBytes, image.Digest)
	}
	for _, l := range f.pushedManifest().Layers {
		if !f.HasBlob("team-a/app", l.Digest) {
			t.Errorf("blob %s is missing", l.Digest)
		}
	}
	for _, r := range f.Requests() {
		if r.Bytes > 0 && strings.Contains(r.Path, "/blobs/") {
			t.Errorf("%s %s sent %d bytes", r.Method, r.Path, r.Bytes)
		}
	}
}

// Each robot reads and writes what is its own, and the bytes go through this process.
func TestRemoteWithoutTheRightToMount(t *testing.T) {
	f := newFixture(t)
	image := within(t, f, "base/app")
	if result := f.push(); result.Digest != image.Digest {
		t.Errorf("Push = %s, want %s", result.Digest, image.Digest)
	}
	if !strings.Contains(f.log.String(), "uploaded, not mounted") {
		t.Error("the log does not say why nothing was mounted")
	}
	for _, r := range f.Requests() {
		if want := map[bool]string{true: "base+source", false: "team-a+ci"}[strings.Contains(r.Path, "/base/app/")]; r.Robot != "" && r.Path != "/v2/auth" && r.Robot != want {
			t.Errorf("%s %s went out as %q", r.Method, r.Path, r.Robot)
		}
	}
}

// A registry that refuses a mount gets the bytes.
func TestRemoteMountIsRefused(t *testing.T) {
	f := newFixture(t)
	image := within(t, f, "team-a/base")
	f.Grant("team-a/base", "team-a+ci", quaytest.Read)
	f.Faults.Add(quaytest.Fault{Name: "no mount", Method: "POST", Path: "/team-a/app/blobs/uploads/", Times: -1,
		Effect: func(_ *quaytest.Quay, w http.ResponseWriter, r *http.Request, next http.Handler) {
			r.URL.RawQuery = ""
			next.ServeHTTP(w, r)
		}})
	if result := f.push(); result.Digest != image.Digest {
		t.Errorf("Push = %s, want %s", result.Digest, image.Digest)
	}
}

// A new tag in the same repository moves nothing at all.
func TestRemoteTag(t *testing.T) {
	f := newFixture(t)
	f.push()
	f.opts.Source, f.opts.Tags = "docker://"+f.Host()+"/team-a/app:v1", []string{"v2"}
	f.ForgetRequests()
	f.push()
	if n := f.count("POST", "") + f.count("PUT", "/blobs/"); n > 0 {
		t.Errorf("%d uploads", n)
	}
}
