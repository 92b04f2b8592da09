package failure

import (
	"errors"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// unsent is a blob or manifest that could not be sent.
type unsent struct {
	// what is "blob" or "manifest".
	what    string
	content v1.Descriptor
	err     error
}

func (e *unsent) Error() string {
	return fmt.Sprintf("sending %s %q of %d bytes: %v", e.what, e.content.Digest, e.content.Size, e.err)
}

func (e *unsent) Unwrap() error { return e.err }

// Sending names the content that err is about. An *Error stays as it is, and so does none.
func Sending(what string, content v1.Descriptor, err error) error {
	if err == nil || errors.As(err, new(*Error)) {
		return err
	}
	return &unsent{what, content, err}
}
