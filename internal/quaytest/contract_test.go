package quaytest_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/comptech-lab/quay-push/internal/quaytest"
)

// accepted are the differences from a real Quay that stay, by step, each where
// it shows and why it may.
var accepted = map[string]difference{
	"repo-patch":           {at: "header allow", why: "a repository has methods in Quay that no tool here needs"},
	"manifest-put-badjson": {at: "body.errors[0].detail.message", why: "the words are those of Python's JSON parser"},
}

// A real Quay was asked all this, and quaytest answers the same to each request, in both settings of anonymous access.
func TestContract(t *testing.T) {
	steps := read[struct{ Steps []step }](t, "contract/steps.json").Steps
	for _, setting := range []string{"on", "off"} {
		t.Run("anonymous access "+setting, func(t *testing.T) {
			t.Parallel()
			q := quaytest.Start(t)
			setup := read[quaytest.Setup](t, "contract/state.json")
			anonymous := setting == "on"
			setup.AnonymousAccess = &anonymous
			if err := q.Apply(setup); err != nil {
				t.Fatal(err)
			}
			c := newConversation(t, q)
			answers := read[struct{ Steps []recorded }](t, "contract/answers-anonymous-"+setting+".json").Steps
			if len(answers) != len(steps) {
				t.Fatalf("%d answers to %d steps", len(answers), len(steps))
			}
			for i, s := range steps {
				got, want := c.say(s), answers[i]
				if want.ID != s.ID {
					t.Fatalf("answer %d is to %q, want %q", i, want.ID, s.ID)
				}
				// The health was that of the set-up.
				if want.HeldBack || s.ID == "health" {
					continue
				}
				judge(t, s, differences(want, got), accepted)
			}
		})
	}
}

// judge fails the test unless the differences of a step are those accepted of it.
func judge(t *testing.T, s step, found []difference, accepted map[string]difference) {
	t.Helper()
	exception, ok := accepted[s.ID]
	seen := false
	for _, d := range found {
		if ok && d.at == exception.at {
			seen = true
			continue
		}
		t.Errorf("%s: %s %s: %s: %s", s.ID, s.Method, s.Path, d.at, d.why)
	}
	if ok && !seen {
		t.Errorf("%s: %s does not differ any more", s.ID, exception.at)
	}
}

// read reads a file of a recording.
func read[T any](t *testing.T, name string) T {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var v T
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("reading %s: %v", name, err)
	}
	return v
}
