package receipt

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// answer is what a registry answered, without its words: it may echo what it was sent, and that is a robot's password or a bearer token.
type answer struct {
	status int
	text   string
}

func (a *answer) Error() string { return a.text }

// codePattern is a code of the distribution specification.
var codePattern = regexp.MustCompile(`^[A-Z_]{1,40}$`)

// Said makes of an error of go-containerregistry one without a registry's words, if it has an answer in it; any other error is of the network.
func Said(err error) error {
	failed := (*transport.Error)(nil)
	if !errors.As(err, &failed) {
		return err
	}
	text := strings.TrimSpace(fmt.Sprintf("%d %s", failed.StatusCode, http.StatusText(failed.StatusCode)))
	for _, d := range failed.Errors {
		if code := string(d.Code); codePattern.MatchString(code) {
			text += ", " + code
		}
	}
	if r := failed.Request; r != nil {
		text = r.Method + " " + r.URL.Path + ": " + text
	}
	return &answer{failed.StatusCode, text}
}
