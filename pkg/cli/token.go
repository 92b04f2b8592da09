package cli

import (
	"io"
	"os"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/secret"
)

// maxToken is the largest file that is read as a token, in bytes.
const maxToken = 64 << 10

// token reads a token from file, - for stdin, or where file is empty from an environment variable. Stdin is read once: the flags have it for
// one token alone, which may be wanted again. next is the next step where there is none.
func (c *connection) token(what, file, variable, next string) (secret.Value, error) {
	text := c.program.Getenv(variable)
	if file == "-" && !c.piped.IsZero() {
		return c.piped, nil
	}
	if file != "" {
		in := c.program.In
		if file != "-" {
			opened, err := os.Open(file)
			if err != nil {
				return secret.Value{}, unreadable(what, err)
			}
			defer opened.Close()
			in = opened
		}
		data, err := io.ReadAll(io.LimitReader(in, maxToken))
		if err != nil {
			return secret.Value{}, unreadable(what, err)
		}
		text = string(data)
	}
	if text = strings.TrimSpace(text); text == "" {
		return secret.Value{}, usagef(next, "there is no %s", what)
	}
	token := secret.New(text)
	if file == "-" {
		c.piped = token
	}
	return token, nil
}

// unreadable is the error of a file with a token that is there.
func unreadable(what string, err error) error {
	return usagef("give a file that can be read", "reading %s: %v", what, err)
}
