package push_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/pkg/push"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

const (
	mediaDockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	mediaDockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
	mediaDockerConfig   = "application/vnd.docker.container.image.v1+json"
)

// entry is one of an index.
type entry struct {
	MediaType   string            `json:"mediaType"`
	Size        int64             `json:"size"`
	Digest      string            `json:"digest"`
	Platform    map[string]any    `json:"platform"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// platformLayout makes a layout with one image, whose config has the given platform, and returns its path and the image.
func platformLayout(t *testing.T, platform string, size int) (string, descriptor) {
	t.Helper()
	dir := t.TempDir()
	image := writeImage(t, dir, `{`+platform+`}`, size)
	writeIndex(t, dir, image)
	return dir, image
}

const (
	linuxAMD64 = `"os":"linux","architecture":"amd64"`
	linuxARM64 = `"os":"linux","architecture":"arm64","variant":"v8"`
	windows    = `"os":"windows","architecture":"amd64","os.version":"10.0.26100","os.features":["win32k"]`
)

// pushedIndex is the index under tag v1, and its media type.
func (f *fixture) pushedIndex() (mediaType string, entries []entry) {
	f.t.Helper()
	body, mediaType, ok := f.Manifest("team-a/app", "v1")
	var index struct {
		SchemaVersion int
		MediaType     string
		Manifests     []entry
	}
	if err := json.Unmarshal(body, &index); err != nil || !ok || index.SchemaVersion != 2 || index.MediaType != mediaType {
		f.t.Fatalf("the index is %s (%v)", body, err)
	}
	return mediaType, index.Manifests
}

// Several sources are one index: their images as they are, in the order in which they are named, with the platforms of their configs.
func TestSeveralSources(t *testing.T) {
	f := newFixture(t)
	amd, amdImage := platformLayout(t, linuxAMD64, small)
	arm, armImage := platformLayout(t, linuxARM64, large)
	win, winImage := platformLayout(t, windows, 70)
	archive := filepath.Join(t.TempDir(), "arm.tar.gz")
	write(t, archive, gzipped(t, tarOf(t, entriesOf(t, arm)...)))
	f.opts.Source = "oci:" + amd + ",oci-archive:" + archive + " , " + win
	result := f.push()
	mediaType, got := f.pushedIndex()
	want := []entry{
		{mediaManifest, amdImage.Size, amdImage.Digest, map[string]any{"os": "linux", "architecture": "amd64"}, nil},
		{mediaManifest, armImage.Size, armImage.Digest, map[string]any{"os": "linux", "architecture": "arm64", "variant": "v8"}, nil},
		{mediaManifest, winImage.Size, winImage.Digest, map[string]any{"os": "windows", "architecture": "amd64", "os.version": "10.0.26100", "os.features": []any{"win32k"}}, nil},
	}
	if diff := cmp.Diff(want, got); diff != "" || mediaType != mediaIndex {
		t.Errorf("an index of type %s: %s", mediaType, diff)
	}
	for i, dir := range []string{amd, arm, win} {
		image := []descriptor{amdImage, armImage, winImage}[i]
		if body, _, ok := f.Manifest("team-a/app", image.Digest); !ok || digestOf(body) != image.Digest {
			t.Errorf("the image of %s is not there", dir)
		}
		for _, l := range layers(t, dir, image) {
			if !f.HasBlob("team-a/app", l.Digest) {
				t.Errorf("layer %s of %s is not there", l.Digest, dir)
			}
		}
	}
	// The same again is the same, and sends nothing.
	if again := f.push(); again.Digest != result.Digest || again.SentBytes != 0 || result.SentBytes == 0 {
		t.Errorf("Push = %+v, then %+v", result, again)
	}
}

// The flag may be repeated, and paths begin at --source-dir.
func TestSeveralSourcesInADirectory(t *testing.T) {
	f := newFixture(t)
	dir := t.TempDir()
	for name, platform := range map[string]string{"amd": linuxAMD64, "arm": linuxARM64} {
		writeIndex(t, filepath.Join(dir, name), writeImage(t, filepath.Join(dir, name), `{`+platform+`}`, small))
	}
	digests := map[string]bool{}
	for _, args := range [][]string{
		{"--source", "amd", "--source", "oci:arm"}, {"--source=amd,arm"}, {"--source= oci:amd , arm/"}, {"--source=", "--source=amd", "--source=arm"},
	} {
		f.opts.Source, f.opts.SourceDir = parsed(t, append(args, "--source-dir", dir)...)
		digests[f.push().Digest] = true
	}
	if len(digests) != 1 {
		t.Errorf("one and the same index is %v", digests)
	}
	// The directory itself may be the layout, as the workspace of a Task may be.
	f.opts.Source, f.opts.SourceDir = "", filepath.Join(dir, "amd")
	if _, entries := f.pushedIndex(); f.push().Digest != entries[0].Digest {
		t.Error("the directory itself is another image")
	}
	f.opts.SourceDir = dir
	remove(t, filepath.Join(f.results, "IMAGE_URL"))
	for _, source := range []string{"docker://" + f.Host() + "/team-a/app:v1", " docker://" + f.Host() + "/team-a/app:v1"} {
		f.opts.Source = source
		if reason := f.fail(failure.ClassUsage); !strings.Contains(reason.Problem, "in a registry") {
			t.Errorf("%q: %v", source, reason)
		}
	}
}

// A path with a comma in it is one source where it is there, as it was before.
func TestSourceWithAComma(t *testing.T) {
	f := newFixture(t)
	dir := filepath.Join(t.TempDir(), "for amd64, arm64")
	image := writeImage(t, dir, `{`+linuxAMD64+`}`, small)
	image.Annotations = map[string]string{"org.opencontainers.image.ref.name": "v1"}
	writeIndex(t, dir, image)
	for _, source := range []string{dir, "oci:" + dir, "oci:" + dir + ":v1"} {
		if f.opts.Source = source; f.push().Digest != image.Digest {
			t.Errorf("%q is another image", source)
		}
	}
	// One that is not there is several.
	f.opts.Source += ",x"
	remove(t, filepath.Join(f.results, "IMAGE_URL"))
	f.fail(failure.ClassSourceMissing)
}

// What is an index already is taken apart: an attestation stays with its image, annotations and all.
func TestSeveralSourcesOfIndexes(t *testing.T) {
	f := newFixture(t)
	amd, arm := t.TempDir(), t.TempDir()
	image := writeImage(t, amd, `{`+linuxAMD64+`}`, small)
	proof := manifestOf(t, amd, map[string]any{"layers": []descriptor{addBlob(t, amd, "application/vnd.in-toto+json", []byte("{}"))}})
	note := map[string]string{"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": image.Digest}
	attested := []entry{
		{mediaManifest, image.Size, image.Digest, map[string]any{"os": "linux", "architecture": "amd64"}, map[string]string{"a": "b"}},
		{mediaManifest, proof.Size, proof.Digest, map[string]any{"os": "unknown", "architecture": "unknown"}, note},
	}
	writeIndex(t, amd, addJSON(t, amd, mediaIndex, map[string]any{"schemaVersion": 2, "manifests": attested}))
	// This one does not say for which platform its image is: the config does.
	bare := writeImage(t, arm, `{`+linuxARM64+`}`, 70)
	writeIndex(t, arm, addJSON(t, arm, mediaIndex, map[string]any{"schemaVersion": 2, "manifests": []descriptor{bare}}))
	f.opts.Source = amd + "," + arm
	f.push()
	want := append(attested, entry{mediaManifest, bare.Size, bare.Digest, map[string]any{"os": "linux", "architecture": "arm64", "variant": "v8"}, nil})
	if _, got := f.pushedIndex(); !cmp.Equal(want, got) {
		t.Error(cmp.Diff(want, got))
	}
}

// A referrer of one image goes along, as it does when that is pushed alone.
func TestSeveralSourcesWithReferrer(t *testing.T) {
	f := newFixture(t)
	amd, image := platformLayout(t, linuxAMD64, small)
	signature := manifestOf(t, amd, map[string]any{"subject": image, "layers": []descriptor{}})
	writeIndex(t, amd, image, signature)
	arm, _ := platformLayout(t, linuxARM64, 70)
	f.opts.Source = amd + "," + arm
	f.push()
	if _, _, ok := f.Manifest("team-a/app", signature.Digest); !ok {
		t.Error("the signature was not pushed")
	}
	if _, entries := f.pushedIndex(); len(entries) != 2 {
		t.Errorf("the index has %d entries", len(entries))
	}
}

// Images in Docker's format come in Docker's list, which every Quay takes.
func TestSeveralDockerImages(t *testing.T) {
	f := newFixture(t)
	var dirs []string
	for _, platform := range []string{linuxAMD64, linuxARM64} {
		dir := t.TempDir()
		writeIndex(t, dir, addJSON(t, dir, mediaDockerManifest, map[string]any{"schemaVersion": 2, "mediaType": mediaDockerManifest,
			"config": addBlob(t, dir, mediaDockerConfig, []byte(`{`+platform+`,"history":[],"rootfs":{"type":"layers","diff_ids":[]}}`)), "layers": []descriptor{}}))
		dirs = append(dirs, dir)
	}
	f.opts.Source = strings.Join(dirs, ",")
	f.push()
	if mediaType, entries := f.pushedIndex(); mediaType != mediaDockerList || len(entries) != 2 || entries[1].MediaType != mediaDockerManifest {
		t.Errorf("an index of type %s: %v", mediaType, entries)
	}
	oci, _ := platformLayout(t, windows, small)
	f.opts.Source += "," + oci
	remove(t, filepath.Join(f.results, "IMAGE_URL"))
	if reason := f.fail(failure.ClassSourceRefused); !strings.Contains(reason.Problem, "some of the sources have images in Docker's format") {
		t.Error(reason)
	}
}

// Which sources do not go together, and what is said then.
func TestSourcesThatAreNoIndex(t *testing.T) {
	amd, _ := platformLayout(t, linuxAMD64, small)
	for name, test := range map[string]struct {
		other         func(t *testing.T) string
		class         failure.Class
		problem, next string
	}{
		"the same source": {func(*testing.T) string { return amd }, failure.ClassSourceRefused, `both have an image for platform "linux/amd64"`, "one source for each platform"},
		"another image of the platform": {func(t *testing.T) string {
			dir, _ := platformLayout(t, linuxAMD64, 70)
			return dir
		}, failure.ClassSourceRefused, `both have an image for platform "linux/amd64"`, "--platform"},
		"a variant that goes without saying": {func(t *testing.T) string {
			dir, _ := platformLayout(t, linuxAMD64+`,"variant":"v1"`, 70)
			return dir
		}, failure.ClassSourceRefused, `both have an image for platform "linux/amd64/v1"`, ""},
		"no platform": {func(t *testing.T) string {
			dir, _ := platformLayout(t, `"os":"linux"`, 70)
			return dir
		}, failure.ClassSourceRefused, "does not say for which platform it is", "push the source alone"},
		"a platform of another type": {func(t *testing.T) string {
			dir, _ := platformLayout(t, `"os":"linux","architecture":["amd64"]`, 70)
			return dir
		}, failure.ClassSourceRefused, "does not say for which platform it is", ""},
		"an artifact": {func(t *testing.T) string {
			dir := t.TempDir()
			writeIndex(t, dir, manifestOf(t, dir, map[string]any{"layers": []descriptor{}}))
			return dir
		}, failure.ClassSourceRefused, "does not say for which platform it is", ""},
		"nothing":          {func(*testing.T) string { return "" }, failure.ClassUsage, "one of them is empty", ""},
		"a registry":       {func(*testing.T) string { return "docker://quay.test/team-a/app" }, failure.ClassUsage, "is in a registry", ""},
		"one that is away": {func(t *testing.T) string { return filepath.Join(t.TempDir(), "x") }, failure.ClassSourceMissing, "is not there", ""},
		"one with two images": {func(t *testing.T) string {
			dir := t.TempDir()
			writeIndex(t, dir, writeImage(t, dir, `{`+linuxARM64+`}`, 7), writeImage(t, dir, `{`+windows+`}`, 70))
			return dir
		}, failure.ClassSourceRefused, "has 2 images", ":REF"},
		"one with a part missing": {func(t *testing.T) string {
			dir, image := platformLayout(t, linuxARM64, 70)
			remove(t, blobFile(dir, layers(t, dir, image)[0].Digest))
			return dir
		}, failure.ClassSourceMissing, "is missing", ""},
		"too many": {func(*testing.T) string { return strings.Repeat("x,", 15) + "x" }, failure.ClassUsage, "names 17 sources, at most 16", ""},
		"large indexes": {func(t *testing.T) string {
			var dirs []string
			for _, platform := range []string{linuxARM64, windows} {
				dir := t.TempDir()
				writeIndex(t, dir, addJSON(t, dir, mediaIndex, map[string]any{"schemaVersion": 2, "annotations": map[string]string{"x": strings.Repeat("x", 3<<20)},
					"manifests": []descriptor{writeImage(t, dir, `{`+platform+`}`, 7)}}))
				dirs = append(dirs, dir)
			}
			return strings.Join(dirs, ",")
		}, failure.ClassSourceRefused, "the indexes of the sources have more than 4194304 bytes together", "fewer platforms"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.opts.Source = amd + "," + test.other(t)
			reason := f.fail(test.class)
			if text := fmt.Sprintf("%s; next: %s", reason.Problem, reason.Next); !strings.Contains(reason.Problem, test.problem) || !strings.Contains(reason.Next, test.next) {
				t.Errorf("the error is %s, want %q, next %q", text, test.problem, test.next)
			}
		})
	}
}

// What changes while it is pushed is not pushed, whichever source it is in.
func TestSeveralSourcesWithABadBlob(t *testing.T) {
	f := newFixture(t)
	amd, _ := platformLayout(t, linuxAMD64, small)
	arm, image := platformLayout(t, linuxARM64, large)
	layer := layers(t, arm, image)[0]
	write(t, blobFile(arm, layer.Digest), []byte(strings.Repeat("x", large)))
	f.opts.Source = amd + "," + arm
	if reason := f.fail(failure.ClassSourceCorrupt); !strings.Contains(reason.Problem, `(platform "linux/arm64/v8"): blob "`+layer.Digest+`" hashes to`) {
		t.Error(reason)
	}
}

// parsed are the source and its directory, as push-image reads them from args.
func parsed(t *testing.T, args ...string) (source, dir string) {
	t.Helper()
	var o push.Options
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	o.Flags(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return o.Source, o.SourceDir
}
