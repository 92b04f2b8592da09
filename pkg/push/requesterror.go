package push

import (
	"errors"
	"fmt"
)

// requestError is a request that got no answer.
type requestError struct {
	method, host, path string
	err                error
}

func (e *requestError) Error() string {
	return fmt.Sprintf("%s %s on %s: %v", e.method, e.path, e.host, e.err)
}

func (e *requestError) Unwrap() error { return e.err }

// errStalled ends a request in which nothing moves.
var errStalled = errors.New("no byte was accepted for too long")
