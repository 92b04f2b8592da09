// Package dockerconfig reads the credential for one image out of a Docker config file, as Kubernetes keeps it in a
// Secret of type kubernetes.io/dockerconfigjson.
package dockerconfig

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// MaxSize is the largest file that Parse reads, in bytes: the most that a Kubernetes Secret can hold.
const MaxSize = 1 << 20

// The ways in which a config is of no use. The error of Parse or For wraps one of them and says more.
var (
	// ErrInvalid: the file is not a Docker config, or an entry in it is malformed.
	ErrInvalid = errors.New("invalid dockerconfig")
	// ErrHelper: the credential is with a program (credsStore, credHelpers), and a static image has none to run.
	ErrHelper = errors.New("credential helper")
	// ErrUnsupported: the entry has an identity or registry token in place of a user name and a password.
	ErrUnsupported = errors.New("unsupported credential")
	// ErrNoEntry: no entry is for the image.
	ErrNoEntry = errors.New("no entry")
)

// Config is a Docker config file. Its zero value has no entries. Nothing that prints it shows a password.
type Config struct {
	entries map[string]entry
}

// entry is one value of auths; problem says why it cannot be used.
type entry struct {
	credential Credential
	problem    error
}

// Parse reads the content of a config.json or .dockerconfigjson. The error wraps ErrInvalid or ErrHelper and never holds
// a part of data. An entry that is malformed is an error only for the images that it would be used for, see For.
func Parse(data []byte) (Config, error) {
	if len(data) > MaxSize {
		return Config{}, fmt.Errorf("%w: %d bytes, at most %d are read", ErrInvalid, len(data), MaxSize)
	}
	file, err := object(data)
	if err != nil {
		return Config{}, err
	}
	if err := refuseHelpers(file); err != nil {
		return Config{}, err
	}
	config := Config{entries: map[string]entry{}}
	if file["auths"] == nil {
		return config, nil
	}
	auths, err := object(file["auths"])
	if err != nil {
		return Config{}, fmt.Errorf("reading auths: %w", err)
	}
	for key, value := range auths {
		credential, err := parseCredential(value)
		config.entries[key] = entry{credential, err}
	}
	return config, nil
}

// refuseHelpers refuses a file whose credentials are with a program, wherever the image is: Docker would prefer that
// program to auths.
func refuseHelpers(file map[string]json.RawMessage) error {
	for _, field := range []string{"credsStore", "credHelpers"} {
		switch strings.TrimSpace(string(file[field])) {
		case "", "null", `""`, "{}":
		default:
			return fmt.Errorf("%w: the file has %s, and no such program runs here; put the credential under auths", ErrHelper, field)
		}
	}
	return nil
}
