package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// maxToken is the largest file that is read as a token, in bytes.
const maxToken = 64 << 10

// token reads a token from file, - for stdin, or where file is empty from an environment variable.
func (c *connection) token(what, file, variable, flag string) (string, error) {
	text := c.program.Getenv(variable)
	if file != "" {
		in := c.program.In
		if file != "-" {
			opened, err := os.Open(file)
			if err != nil {
				return "", &failure{ExitFailure, fmt.Sprintf("reading %s: %v", what, err), "name a file with " + flag}
			}
			defer opened.Close()
			in = opened
		}
		data, err := io.ReadAll(io.LimitReader(in, maxToken))
		if err != nil {
			return "", fmt.Errorf("reading %s: %w", what, err)
		}
		text = string(data)
	}
	if text = strings.TrimSpace(text); text == "" {
		next := "name a file with " + flag
		if variable != "" {
			next = "set " + variable + ", or " + next
		}
		return "", usagef(next, "there is no %s", what)
	}
	return text, nil
}
