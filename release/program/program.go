// Package program runs the programs of others that a release is made with: git, go, ko and cosign.
package program

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// Password is the environment variable with the password of the signing key. Nothing but cosign gets it.
const Password = "COSIGN_PASSWORD"

// Program is one of them, and how it is run.
type Program struct {
	// Name is looked up in $PATH.
	Name string
	// Dir is where it runs; "" is where we do.
	Dir string
	// Env has KEY=value, and takes the place of what we were given.
	Env []string
}

// Run returns what it prints, without space around it. The error has what it said last.
func (p Program) Run(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, p.Name, args...)
	var out, words bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.Dir, &out, &words
	// When it is stopped, its children may hold what it writes to.
	cmd.WaitDelay = 5 * time.Second
	cmd.Env = append(os.Environ(), p.Env...)
	if p.Name != "cosign" {
		cmd.Env = slices.DeleteFunc(cmd.Env, func(s string) bool { return strings.HasPrefix(s, Password+"=") })
	}
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("running %q: %w: %s", p.Name+" "+args[0], err, last(words.String()))
	}
	return strings.TrimSpace(out.String()), nil
}

// last is the end of what a program said: the reason is there, and progress before it.
func last(words string) string {
	const most = 2000
	words = strings.TrimSpace(words)
	return words[max(0, len(words)-most):]
}
