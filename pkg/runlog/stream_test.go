package runlog_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// one is a run with one step that has ended.
func one(t *testing.T, logs ...io.Reader) *world {
	w := newWorld(t)
	w.child("TaskRun", "build-build", "build")
	w.taskRun(namespace, "build-build", "build-pod", 0, "build")
	w.logs["build-pod/step-build"] = logs
	w.end()
	return w
}

// The API server, a proxy or the kubelet's restart ends a connection: nothing is lost, and nothing is shown twice, two lines of one
// moment neither.
func TestBrokenConnectionIsOpenedAgain(t *testing.T) {
	first := stamped("one", "two")
	again := first + noon.Add(time.Second+time.Nanosecond).Format(time.RFC3339Nano) + " three\n" +
		noon.Add(time.Second+time.Nanosecond).Format(time.RFC3339Nano) + " three again\n"
	w := one(t, breaking(first), strings.NewReader(again))
	_, err := w.follow(t.Context())
	must(t, err)
	w.wants("[build : build] one\n[build : build] two\n[build : build] three\n[build : build] three again\n", "")
	if len(w.opened) != 2 || w.opened[0].SinceTime != nil || !w.opened[1].SinceTime.Time.Equal(noon.Add(time.Second)) {
		t.Errorf("the log was opened with %v", w.opened)
	}
}

// A log that can't be read is not asked for without end.
func TestLogThatCannotBeReadIsGivenUp(t *testing.T) {
	w := one(t, breaking(""))
	_, err := w.follow(t.Context())
	must(t, err)
	w.wants("", `[build] the log of step "build" could not be read to its end: connection reset by peer`+"\n")
	if len(w.opened) != 3 {
		t.Errorf("it was opened %d times", len(w.opened))
	}
}

func TestLogThatIsGone(t *testing.T) {
	w := one(t)
	_, err := w.follow(t.Context())
	must(t, err)
	w.wants("", `[build] the log of step "build" is gone`+"\n")
}

// What a step writes moves no cursor, and a line without end is shown in parts, each as a line of the step.
func TestHostileLines(t *testing.T) {
	long := strings.Repeat("x", 200_000)
	w := one(t, strings.NewReader(stamped("\x1b[2J\x1b]0;owned\a", "progress 1%\rprogress 2%\r", "\xff\u202e", long)+"no time, and no end"))
	_, err := w.follow(t.Context())
	must(t, err)
	got := w.out.String()
	if strings.ContainsAny(got, "\x1b\a\r\u202e") {
		t.Errorf("it prints %q", got[:200])
	}
	for _, want := range []string{"[build : build]  [2J ]0;owned \n", "[build : build] progress 1% progress 2%\n", "[build : build] ? \n", "[build : build] no time, and no end\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("it lacks %q", want)
		}
	}
	if n := strings.Count(got, "x"); n != len(long) {
		t.Errorf("%d of %d bytes of a long line are shown", n, len(long))
	}
	for line := range strings.Lines(got) {
		if !strings.HasPrefix(line, "[build : build] ") || len(line) > 70_000 {
			t.Errorf("a line of %d bytes begins with %q", len(line), line[:20])
		}
	}
}

// Who reads no more ends it.
func TestClosedPipeEnds(t *testing.T) {
	w := three(t)
	w.end()
	closed := errors.New("broken pipe")
	if _, err := w.followTo(t.Context(), failingWriter{closed}); !errors.Is(err, closed) {
		t.Errorf("it ended with %v", err)
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }
