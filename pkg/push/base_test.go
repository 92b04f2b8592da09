package push_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/push"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

const baseName = "org.opencontainers.image.base.name"

// random is content of that size, another one for each seed.
func random(seed byte, size int) []byte {
	content := make([]byte, size)
	rand.NewChaCha8([32]byte{seed}).Read(content)
	return content
}

// basedImage adds an image with the given layers to the layout at dir, which names its base so, or none.
func basedImage(t *testing.T, dir, base string, layers ...[]byte) descriptor {
	t.Helper()
	var named []descriptor
	for _, content := range layers {
		named = append(named, addBlob(t, dir, mediaLayer, content))
	}
	m := map[string]any{"schemaVersion": 2, "mediaType": mediaManifest, "layers": named,
		"config": addBlob(t, dir, mediaConfig, []byte(fmt.Sprintf(`{"os":"linux","architecture":"amd64","author":%q}`, base)))}
	if base != "" {
		m["annotations"] = map[string]string{baseName: base}
	}
	return addJSON(t, dir, mediaManifest, m)
}

// based is a fixture whose image is one layer on top of the two of base/ubi, the lower of which is the smaller one.
type based struct {
	*fixture
	lower, upper, own []byte
}

func newBased(t *testing.T) *based {
	f := &based{newFixture(t), random(1, large), random(2, large+5000), random(3, large+1000)}
	f.AddOrganization("base")
	f.AddRobot("base", "builder")
	token := f.AddOAuthToken([]quaytest.Scope{quaytest.OrgAdmin, quaytest.RepoAdmin, quaytest.RepoCreate}, "base")
	for name, visibility := range map[string]string{"ubi": "public", "private": "private"} {
		body := fmt.Sprintf(`{"namespace":"base","repository":%q,"visibility":%q,"description":""}`, name, visibility)
		r, err := http.NewRequest(http.MethodPost, f.URL()+"/api/v1/repository", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "application/json")
		answer, err := f.Client().Do(r)
		if err != nil || answer.StatusCode != http.StatusCreated {
			t.Fatalf("making base/%s: %v, %v", name, answer, err)
		}
		answer.Body.Close()
		f.Grant("base/"+name, "base+builder", quaytest.Write)
		dir := t.TempDir()
		write(t, filepath.Join(dir, "config.json"), f.Dockerconfig("base+builder"))
		writeIndex(t, dir, basedImage(t, dir, "", f.lower, f.upper))
		if _, err := push.Push(t.Context(), push.Options{Source: dir, ImageRef: f.Host() + "/base/" + name, Tags: []string{"9"}, Dockerconfig: dir, CAFile: f.CAFile()}); err != nil {
			t.Fatal(err)
		}
	}
	f.names(f.Host() + "/base/ubi:9")
	return f
}

// names has the image name its base so.
func (f *based) names(base string) {
	f.t.Helper()
	writeIndex(f.t, f.layout, basedImage(f.t, f.layout, base, f.lower, f.upper, f.own))
	f.ForgetRequests()
}

// asked are the requests to mount from the base, and those for a token that has to do with it.
func (f *based) asked() (mounts, scopes []string) {
	for _, r := range f.Requests() {
		if from := r.Query.Get("from"); strings.HasPrefix(from, "base/") {
			mounts = append(mounts, fmt.Sprintf("%s %d", from, r.Status))
		}
		for _, scope := range r.Query["scope"] {
			if strings.Contains(scope, "base/") {
				scopes = append(scopes, scope)
			}
		}
	}
	return mounts, scopes
}

// want compares what was asked of the base, and which of the layers lower, upper and own were sent.
func (f *based) want(mounts, scopes []string, sent string) {
	f.t.Helper()
	gotMounts, gotScopes := f.asked()
	if fmt.Sprint(gotMounts) != fmt.Sprint(mounts) || fmt.Sprint(gotScopes) != fmt.Sprint(scopes) {
		f.t.Errorf("mounts %q and scopes %q, want %q and %q", gotMounts, gotScopes, mounts, scopes)
	}
	var got []string
	for _, layer := range []struct {
		name    string
		content []byte
	}{{"lower", f.lower}, {"upper", f.upper}, {"own", f.own}} {
		digest := digestOf(layer.content)
		for _, r := range f.Requests() {
			if r.Query.Get("digest") == digest && r.Bytes > 0 {
				got = append(got, layer.name)
			}
		}
		if !f.HasBlob("team-a/app", digest) {
			f.t.Errorf("layer %s is missing", layer.name)
		}
		if stored := f.stored(digest); !bytes.Equal(stored, layer.content) {
			f.t.Errorf("layer %s has other content", layer.name)
		}
	}
	if text := strings.Join(got, " "); text != sent {
		f.t.Errorf("%q were sent, want %q", text, sent)
	}
}

const fromUBI, fromPrivate, pullPrivate = "base/ubi", "base/private", "repository:base/private:pull"

// A public base gives its layers to the token of the push; only the own layer is sent, and asked for in vain.
func TestBaseThatIsPublic(t *testing.T) {
	f := newBased(t)
	result := f.push()
	if result.SentBytes >= int64(len(f.own)+2000) {
		t.Errorf("%d bytes were sent", result.SentBytes)
	}
	mounts, scopes := f.asked()
	got := map[string]int{}
	for _, m := range mounts {
		got[m]++
	}
	// The lowest layer opens the base, and is asked for once more by who was about to send it; at the same moment as the others.
	if got[fromUBI+" 201"] < 2 || got[fromUBI+" 201"] > 3 || got[fromUBI+" 202"] != 1 || len(got) != 2 || len(scopes) > 0 {
		t.Errorf("mounts %v, scopes %v", mounts, scopes)
	}
	f.want(mounts, nil, "own")
	// The second push of another own layer asks the base for nothing: the repository has what it gave.
	f.own = random(4, large)
	f.names(f.Host() + "/base/ubi:9")
	f.opts.Tags = []string{"v2"}
	f.push()
	f.want(nil, nil, "own")
}

// A base that only a right of the robot opens takes a second scope, and no more than one.
func TestBaseThatTheRobotReads(t *testing.T) {
	f := newBased(t)
	f.GrantTeam("base/private", "readers", quaytest.Read)
	f.AddTeamMember("base", "readers", "member", "team-a+ci")
	f.names(f.Host() + "/base/private@sha256:" + strings.Repeat("0", 64))
	f.opts.Jobs = 1
	f.push()
	mounts, scopes := f.asked()
	if mounts[0] != fromPrivate+" 202" || mounts[1] != fromPrivate+" 201" || len(scopes) != 1 || scopes[0] != pullPrivate {
		t.Errorf("mounts %v, scopes %v", mounts, scopes)
	}
	f.want(mounts, scopes, "own")
}

// What the robot may not read stays where it is, and costs two requests.
func TestBaseOfAnotherTenant(t *testing.T) {
	f := newBased(t)
	f.names(f.Host() + "/base/private:9")
	f.push()
	f.want([]string{fromPrivate + " 202"}, []string{pullPrivate}, "lower upper own")
}

// Who names a private layer that the robot could read, and does not have its bytes, gets none of it.
func TestBaseWithoutTheBytes(t *testing.T) {
	f := newBased(t)
	f.GrantTeam("base/private", "readers", quaytest.Read)
	f.AddTeamMember("base", "readers", "member", "team-a+ci")
	f.names(f.Host() + "/base/private:9")
	for _, layer := range [][]byte{f.lower, f.upper} {
		write(t, blobFile(f.layout, digestOf(layer)), random(9, len(layer)))
	}
	f.fail(failure.ClassSourceCorrupt)
	for _, layer := range [][]byte{f.lower, f.upper} {
		if f.HasBlob("team-a/app", digestOf(layer)) {
			t.Error("the repository has a layer of the base")
		}
	}
}

// A base that was built anew since has none of the layers, and is asked for one of them.
func TestBaseThatIsAnotherOne(t *testing.T) {
	f := newBased(t)
	f.lower, f.upper = random(5, large), random(6, large)
	f.names(f.Host() + "/base/ubi:9")
	f.push()
	f.want([]string{fromUBI + " 202", fromUBI + " 202"}, []string{"repository:base/ubi:pull"}, "lower upper own")
}

// Nobody is asked for anything by a name that is not that of one repository of the registry, another one than the image's.
func TestBaseNames(t *testing.T) {
	f := newBased(t)
	host := f.Host()
	for i, name := range []string{
		"", "ubi9", "docker.io/library/debian:13", "registry.test/base/ubi:9", host, host + "/", host + "/ubi:9", host + "/Base/ubi", host + "/base/ubi ",
		host + "/base/../base/ubi", host + "/base//ubi", host + "/base/ubi?x=1", host + "/base/ubi:pull,push repository:base/private", "https://" + host + "/base/ubi",
		"user@" + host + "/base/ubi", host + ".test/base/ubi", host + "/" + strings.Repeat("a/", 200) + "b", host + "/base/ubi\nrepository:base/private:pull", host + "/team-a/app:v1",
	} {
		// Otherwise the repository would have the lowest layer.
		f.lower = random(byte(100+i), large)
		f.names(name)
		f.opts.Tags = []string{fmt.Sprintf("v%d", i)}
		f.push()
		if mounts, scopes := f.asked(); len(mounts)+len(scopes) > 0 {
			t.Errorf("%q: mounts %v, scopes %v", name, mounts, scopes)
		}
		if n := f.count("HEAD", "/blobs/"); n > 0 {
			t.Errorf("%q: %d looks", name, n)
		}
	}
}

// The images of an index have one base between them, or none.
func TestBaseOfSeveralImages(t *testing.T) {
	for second, want := range map[string]bool{"HOST/base/ubi:9-arm64": true, "HOST/base/private:9": false, "docker.io/library/debian:13": false, "": true} {
		f := newBased(t)
		other := random(7, large)
		index := addJSON(t, f.layout, mediaIndex, map[string]any{"schemaVersion": 2, "mediaType": mediaIndex, "manifests": []descriptor{
			basedImage(t, f.layout, f.Host()+"/base/ubi:9", f.lower, f.own),
			basedImage(t, f.layout, strings.ReplaceAll(second, "HOST", f.Host()), other, f.upper)}})
		writeIndex(t, f.layout, index)
		f.ForgetRequests()
		f.push()
		if mounts, _ := f.asked(); len(mounts) > 0 != want {
			t.Errorf("beside an image on %q: mounts %v", second, mounts)
		}
	}
}

// Whatever the registry does with a mount, the layers are sent as without a base.
func TestBaseThatFails(t *testing.T) {
	for name, effect := range map[string]quaytest.Effect{
		"an error":     quaytest.Status(http.StatusInternalServerError, nil, "trace"),
		"no right":     quaytest.Status(http.StatusUnauthorized, nil, `{"errors":[{"code":"UNAUTHORIZED"}]}`),
		"hanging up":   quaytest.Reset(0),
		"another blob": quaytest.Status(http.StatusCreated, http.Header{"Docker-Content-Digest": {"sha256:" + strings.Repeat("0", 64)}}, ""),
	} {
		t.Run(name, func(t *testing.T) {
			f := newBased(t)
			f.Faults.Add(quaytest.Fault{Name: "mount", Method: "POST", Path: onUpload, Times: -1,
				Effect: func(q *quaytest.Quay, w http.ResponseWriter, r *http.Request, next http.Handler) {
					if r.URL.Query().Get("from") == fromUBI {
						effect(q, w, r, next)
						return
					}
					next.ServeHTTP(w, r)
				}})
			f.push()
			mounts, scopes := f.asked()
			f.want(mounts, scopes, "lower upper own")
		})
	}
}

// A rehearsal asks the base for nothing, since a mount writes.
func TestBaseInARehearsal(t *testing.T) {
	f := newBased(t)
	f.opts.DryRun = true
	f.push()
	if mounts, scopes := f.asked(); len(mounts)+len(scopes) > 0 {
		t.Errorf("mounts %v, scopes %v", mounts, scopes)
	}
}
