package failure

import (
	"errors"
	"fmt"
)

// Request is a request that got no answer.
type Request struct {
	Method, Host, Path string
	Err                error
}

func (e *Request) Error() string {
	return fmt.Sprintf("%s %s on %s: %v", e.Method, e.Path, e.Host, e.Err)
}

func (e *Request) Unwrap() error { return e.Err }

// ErrStalled ends a request in which nothing moves.
var ErrStalled = errors.New("no byte was accepted for too long")
