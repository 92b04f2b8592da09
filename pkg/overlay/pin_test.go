package overlay_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/comptech-lab/quay-push/pkg/overlay"
)

// checkout is the image that the kustomizations of testdata are about.
const checkout = "quay.example.com/team-payments/checkout"

// digest returns a digest, a different one for each letter.
func digest(letter string) string { return "sha256:" + strings.Repeat(letter, 64) }

// read reads testdata/dir/*.yaml.
func read(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", dir, "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	content := map[string][]byte{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		content[strings.TrimSuffix(filepath.Base(file), ".yaml")] = data
	}
	return content
}

// An edit changes the bytes of one scalar and no other; a second edit changes none.
func TestApply(t *testing.T) {
	corpus := read(t, "corpus")
	if len(corpus) < 50 {
		t.Fatalf("the corpus has %d files", len(corpus))
	}
	for name, before := range corpus {
		t.Run(name, func(t *testing.T) {
			pin := overlay.Pin{Image: checkout, Digest: digest("a")}
			after, err := pin.Apply(bytes.Clone(before))
			if err != nil {
				t.Fatal(err)
			}
			checkOneScalar(t, before, after, pin)
			again, err := pin.Apply(after)
			if err != nil || !bytes.Equal(again, after) {
				t.Errorf("the second edit is no no-op (%v):\n%s", err, cmp.Diff(string(after), string(again)))
			}
			next := overlay.Pin{Image: checkout, Digest: digest("b")}
			third, err := next.Apply(after)
			if err != nil {
				t.Fatal(err)
			}
			checkOneScalar(t, after, third, next)
		})
	}
}

// checkOneScalar holds an edit against another reader, and against the bytes.
func checkOneScalar(t *testing.T, before, after []byte, pin overlay.Pin) {
	t.Helper()
	want, item := decode(t, before)
	olds := []string{fmt.Sprint(item["digest"])}
	if _, ok := item["digest"]; !ok {
		olds = []string{"newTag"}
	} else if item["digest"] == nil {
		olds = []string{"~", "null"}
	}
	delete(item, "newTag")
	item["digest"] = pin.Digest
	got, _ := decode(t, after)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("it says something else (-want +got):\n%s", diff)
	}
	for _, old := range olds {
		if old == "newTag" && oneLineChanged(before, after) || old != "newTag" && oneReplaced(before, after, old, pin.Digest) {
			return
		}
	}
	t.Errorf("more than %q changed (-before +after):\n%s", olds, cmp.Diff(string(before), string(after)))
}

// decode reads a kustomization by way of JSON, and finds the item of images.
func decode(t *testing.T, data []byte) (kustomization, item map[string]any) {
	t.Helper()
	if err := yaml.Unmarshal(bytes.TrimPrefix(data, []byte("\ufeff")), &kustomization); err != nil {
		t.Fatal(err)
	}
	for _, v := range kustomization["images"].([]any) {
		if item := v.(map[string]any); item["name"] == checkout {
			return kustomization, item
		}
	}
	t.Fatalf("no item %q in %v", checkout, kustomization["images"])
	return nil, nil
}

// oneReplaced reports whether after is before with old replaced by new at one place. An empty old is one of the quotes.
func oneReplaced(before, after []byte, old, new string) bool {
	if len(after)-len(before) != len(new)-len(old) {
		return false
	}
	for at := range before {
		if bytes.HasPrefix(before[at:], []byte(old)) && bytes.HasPrefix(after[at:], []byte(new)) &&
			bytes.Equal(before[:at], after[:at]) && bytes.Equal(before[at+len(old):], after[at+len(new):]) {
			return true
		}
	}
	return false
}

// oneLineChanged reports whether nothing outside of "newTag: value" changed: what is the same at both ends leaves no more.
func oneLineChanged(before, after []byte) bool {
	start, end := 0, 0
	for start < len(before) && before[start] == after[start] {
		start++
	}
	for end < len(before)-start && before[len(before)-1-end] == after[len(after)-1-end] {
		end++
	}
	gone, come := string(before[start:len(before)-end]), string(after[start:len(after)-end])
	return strings.HasPrefix(gone, "newTag") && strings.HasPrefix(come, "digest") && len(gone) < 40 &&
		strings.Count(gone, "\n") == strings.Count(come, "\n")
}

// The name of a file is the reason for which it is refused.
func TestApplyRefuses(t *testing.T) {
	seen := map[overlay.Reason]bool{}
	for name, data := range read(t, "refused") {
		t.Run(name, func(t *testing.T) {
			want, _, _ := strings.Cut(name, ".")
			after, err := overlay.Pin{Image: checkout, Digest: digest("a")}.Apply(data)
			checkRefusal(t, err, overlay.Reason(want))
			if after != nil {
				t.Errorf("it returns %q", after)
			}
			seen[overlay.Reason(want)] = true
		})
	}
	for _, reason := range []overlay.Reason{
		overlay.ReasonYAML, overlay.ReasonMultiDocument, overlay.ReasonDuplicateKey, overlay.ReasonAnchor, overlay.ReasonScalar,
		overlay.ReasonNoEntry, overlay.ReasonTwoEntries, overlay.ReasonNoDigest, overlay.ReasonNewTag, overlay.ReasonNewName,
	} {
		if !seen[reason] {
			t.Errorf("no file is refused for %q", reason)
		}
	}
}

func TestApplyRefusesALargeFile(t *testing.T) {
	data := append(read(t, "corpus")["contract"], bytes.Repeat([]byte("# comment\n"), 1<<17)...)
	_, err := overlay.Pin{Image: checkout, Digest: digest("a")}.Apply(data)
	checkRefusal(t, err, overlay.ReasonTooLarge)
}

func TestApplyRefusesADigest(t *testing.T) {
	for _, bad := range []string{
		"", overlay.Placeholder, "sha256:", digest("A"), digest("a") + "\n", digest("a")[:70], digest("a") + "a", "sha512:" + strings.Repeat("a", 128),
		strings.Repeat("a", 64), digest("a")[:60] + " # yes", "sha256:" + strings.Repeat("$", 64),
	} {
		_, err := overlay.Pin{Image: checkout, Digest: bad}.Apply(read(t, "corpus")["contract"])
		checkRefusal(t, err, overlay.ReasonDigest)
	}
}

// checkRefusal checks that err is a refusal for reason that a person can use.
func checkRefusal(t *testing.T, err error, reason overlay.Reason) {
	t.Helper()
	refusal := (*overlay.Refusal)(nil)
	if !errors.As(err, &refusal) || refusal.Reason != reason {
		t.Errorf("error is %v, want the reason %q", err, reason)
		return
	}
	if refusal.Problem == "" || refusal.Next == "" || !strings.Contains(err.Error(), "("+string(reason)+"); ") {
		t.Errorf("it has no problem or no next step: %#v", refusal)
	}
}

func TestParsePin(t *testing.T) {
	want := overlay.Pin{Image: checkout, Digest: digest("a")}
	got, err := overlay.ParsePin(`{"name":"` + checkout + `","newName":"` + checkout + `","digest":"` + digest("a") + `"}`)
	if err != nil || got != want {
		t.Errorf("ParsePin = %+v, %v, want %+v", got, err, want)
	}
	for _, bad := range []string{"", "{}", "[]", "null", `{"name":"a","newName":"b","digest":"c"}`, `{"name":"a"}`, `{"name":"a"`, `"a"`} {
		if got, err := overlay.ParsePin(bad); err == nil || !strings.HasPrefix(err.Error(), "reading overlay-image") {
			t.Errorf("ParsePin(%q) = %+v, %v, want an error", bad, got, err)
		}
	}
}

func FuzzApply(f *testing.F) {
	for _, dir := range []string{"corpus", "refused"} {
		for _, data := range read(f, dir) {
			f.Add(data)
		}
	}
	pin := overlay.Pin{Image: checkout, Digest: digest("a")}
	f.Fuzz(func(t *testing.T, before []byte) {
		after, err := pin.Apply(bytes.Clone(before))
		if err != nil {
			if refusal := (*overlay.Refusal)(nil); !errors.As(err, &refusal) {
				t.Fatalf("error is %v, no refusal", err)
			}
			return
		}
		if !bytes.Contains(after, []byte(pin.Digest)) {
			t.Fatalf("the digest is not in %q", after)
		}
		if again, err := pin.Apply(bytes.Clone(after)); err != nil || !bytes.Equal(again, after) {
			t.Fatalf("the second edit is no no-op (%v): %q, was %q", err, again, after)
		}
	})
}
