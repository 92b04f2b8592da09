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
	// helpers are the programs in credHelpers, by the registry that each is for.
	helpers map[string]string
}

// entry is one value of auths; problem says why it cannot be used.
type entry struct {
	credential Credential
	problem    error
}

// Parse reads the content of a config.json or .dockerconfigjson. The error wraps ErrInvalid or ErrHelper and never holds
// a part of data. An entry that is malformed, or whose registry has a credential helper, is an error only for the images that
// it would be used for, see For.
func Parse(data []byte) (Config, error) {
	if len(data) > MaxSize {
		return Config{}, fmt.Errorf("%w: %d bytes, at most %d are read", ErrInvalid, len(data), MaxSize)
	}
	file, err := object(data)
	if err != nil {
		return Config{}, err
	}
	if err := refuseStore(file); err != nil {
		return Config{}, err
	}
	if err := refuseLegacy(file); err != nil {
		return Config{}, err
	}
	config := Config{entries: map[string]entry{}}
	if config.helpers, err = parseHelpers(file["credHelpers"]); err != nil {
		return Config{}, fmt.Errorf("reading credHelpers: %w", err)
	}
	if absent(file["auths"]) {
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

// refuseLegacy refuses the file of a Secret of type kubernetes.io/dockercfg, whose registries are not below auths.
func refuseLegacy(file map[string]json.RawMessage) error {
	if _, ok := file["auths"]; ok {
		return nil
	}
	for key, value := range file {
		if _, err := object(value); err == nil && hostPattern.MatchString(key) {
			return errLegacy
		}
	}
	return nil
}

// errLegacy is a file of the older format.
var errLegacy = fmt.Errorf("%w: it is the legacy .dockercfg, which has no auths; a Secret of type kubernetes.io/dockerconfigjson has", ErrInvalid)

// absent reports whether a member is not there, or null, which Docker takes for the same.
func absent(value json.RawMessage) bool {
	text := strings.TrimSpace(string(value))
	return text == "" || text == "null"
}
