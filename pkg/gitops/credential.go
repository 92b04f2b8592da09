package gitops

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/plumbing/transport/http"

	"github.com/comptech-lab/quay-push/pkg/secret"
)

// credential is a user of the Git server; the zero value is nobody.
type credential struct {
	username string
	password secret.Value
}

// maxCredential is the size of the largest username or password, in bytes.
const maxCredential = 4096

// readCredential reads the files username, and password or token, of a directory: a mounted Secret, of type
// kubernetes.io/basic-auth, or one with user name and token, as teams have for GitLab. An empty dir is no credential.
func readCredential(dir string) (credential, error) {
	if dir == "" {
		return credential{}, nil
	}
	username, err := readValue(dir, "username")
	if err != nil {
		return credential{}, err
	}
	password, err := readValue(dir, "password")
	if errors.Is(err, fs.ErrNotExist) {
		password, err = readValue(dir, "token")
	}
	return credential{username, secret.New(password)}, err
}

// readValue reads one file, without the line's end that an editor leaves.
func readValue(dir, name string) (string, error) {
	next := "--credential needs the files username, and password or token"
	file, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		return "", &Error{Problem: "the Git credential cannot be read", Proof: err.Error(), Next: next, Err: err}
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxCredential+1))
	value := strings.TrimRight(string(data), "\r\n")
	if err != nil || value == "" || len(data) > maxCredential || strings.ContainsAny(value, "\r\n\x00") {
		return "", &Error{Problem: "the Git credential's file " + name + " is not one line", Next: next, Err: err}
	}
	return value, nil
}

// nobody reports whether there is none.
func (c credential) nobody() bool { return c.password.IsZero() }

// auth is what go-git sends; nil for nobody.
func (c credential) auth() transport.AuthMethod {
	if c.nobody() {
		return nil
	}
	return &http.BasicAuth{Username: c.username, Password: c.password.Reveal()}
}
