package runlog

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/pkg/shown"
)

// longest is the most bytes that are held of one line: a longer one is printed in parts.
const longest = 64 << 10

// tries is how often the log of a container that has ended is opened.
const tries = 3

// container prints the log of a container to its end. A connection that breaks before that is opened again, and what was printed is not
// printed twice.
func (f *Follower) container(ctx context.Context, of reference, pod, name, step string) error {
	var last time.Time
	for left := tries; ; {
		options := &corev1.PodLogOptions{Container: name, Follow: f.Wait, Timestamps: true}
		if !last.IsZero() {
			// In whole seconds, as the API takes it.
			options.SinceTime = &metav1.Time{Time: last.Truncate(time.Second)}
		}
		broken, err := f.stream(ctx, of, pod, step, options, &last)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(broken, errGone):
			f.tell(of.task, fmt.Sprintf("the log of step %q is gone", step))
			return nil
		case err != nil:
			return err
		}
		ended, err := f.ended(ctx, of, pod, name)
		if err != nil || broken == nil && (ended || !f.Wait) {
			return err
		}
		if ended || !f.Wait {
			if left--; left == 0 {
				f.tell(of.task, fmt.Sprintf("the log of step %q could not be read to its end: %v", step, broken))
				return nil
			}
		}
		if err := f.pause(ctx); err != nil {
			return err
		}
	}
}

// errGone is a container that is no more.
var errGone = errors.New("the container is gone")

// stream prints what one connection brings that is newer than last, and sets that. broken says that the connection ended before the log, err that
// nothing can be printed, or nothing may be read.
func (f *Follower) stream(ctx context.Context, of reference, pod, step string, options *corev1.PodLogOptions, last *time.Time) (broken, err error) {
	log, err := f.Open(ctx, of.namespace, pod, options)
	switch {
	case apierrs.IsNotFound(err):
		return errGone, nil
	case apierrs.IsForbidden(err):
		return nil, fmt.Errorf("reading the log of Pod %q: %w", of.namespace+"/"+pod, err)
	case err != nil:
		// The kubelet may not have made it yet, or be busy.
		return err, nil
	}
	defer log.Close()
	lines, printed := bufio.NewReaderSize(log, longest), *last
	for begin := true; ; {
		part, more, err := lines.ReadLine()
		if errors.Is(err, io.EOF) {
			return nil, nil
		} else if err != nil {
			return err, nil
		}
		text := string(part)
		if begin {
			stamp, rest, _ := strings.Cut(text, " ")
			if at, err := time.Parse(time.RFC3339Nano, stamp); err == nil {
				text = rest
				if !at.After(printed) {
					if begin, err = skip(lines, more); err != nil {
						return err, nil
					}
					continue
				}
				*last = at
			}
		}
		begin = !more
		if _, err := fmt.Fprintln(f.Out, line(of.task, step, text)); err != nil {
			return nil, err
		}
	}
}

// skip reads the rest of a line that was printed before.
func skip(lines *bufio.Reader, more bool) (begin bool, err error) {
	for more {
		if _, more, err = lines.ReadLine(); err != nil {
			return false, err
		}
	}
	return true, nil
}

// ended reports whether the container has ended, or its Pod is gone.
func (f *Follower) ended(ctx context.Context, of reference, pod, container string) (bool, error) {
	found, err := f.readPod(ctx, of.namespace, pod)
	if apierrs.IsNotFound(err) {
		return true, nil
	} else if err != nil {
		return false, err
	}
	return stateOf(found, container).Terminated != nil || over(found), nil
}

// line is one line of a step, as tkn shows it. What a step writes is a stranger's: it may not move the cursor of who reads it.
func line(task, step, text string) string {
	return "[" + shown.Line(task) + " : " + shown.Line(step) + "] " + shown.Plain(strings.TrimSuffix(text, "\r"))
}
