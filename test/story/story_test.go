package story_test

import (
	"bytes"
	"testing"

	"github.com/comptech-lab/quay-push/test/story"
)

func TestTrueStory(t *testing.T) {
	var out bytes.Buffer
	s := story.New(&out)
	s.Scene("%d. First", 1)
	s.Tell(true, "a %s", "truth")
	s.Quote("a proof")
	s.Tell(true, "another")
	if err := s.End(); err != nil {
		t.Error(err)
	}
	const want = "\n1. First\n  ok     a truth\n         a proof\n  ok     another\n\nAll 2 checked statements are true.\n"
	if out.String() != want {
		t.Errorf("the story is\n%s", out.String())
	}
}

func TestUntrueStory(t *testing.T) {
	var out bytes.Buffer
	s := story.New(&out)
	s.Tell(true, "a truth")
	s.Tell(false, "a lie")
	err := s.End()
	if err == nil || err.Error() != "1 of the statements above are untrue" {
		t.Errorf("the end is %v", err)
	}
	if want := "  ok     a truth\n  UNTRUE a lie\n"; out.String() != want {
		t.Errorf("the story is\n%s", out.String())
	}
}
