package dockerconfig

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Match is the entry that is for an image.
type Match struct {
	// Key is the entry's key in auths, as the file has it.
	Key string
	// Credential is what the entry holds.
	Credential Credential
}

// For returns the entry for host/repository, such as "quay.example.com" and "team-payments/app": the one whose key is the
// longest path prefix, as podman and the kubelet choose (containers/image docker/config, authKeyLookupOrder). The legacy
// keys https://host/v1/ and https://host/v2/ stand for the host. The error wraps ErrNoEntry, ErrHelper where the host's
// credential is with a program, or what is wrong with the entry: then no shorter one is taken in its place.
func (c Config) For(host, repository string) (Match, error) {
	if err := c.refuseHelper(host); err != nil {
		return Match{}, err
	}
	for path := host + "/" + strings.Trim(repository, "/"); ; {
		key, err := c.key(path)
		if err != nil {
			return Match{}, err
		}
		if key != "" {
			found := c.entries[key]
			if found.problem != nil {
				return Match{}, fmt.Errorf("reading auths entry %q: %w", key, found.problem)
			}
			return Match{Key: key, Credential: found.credential}, nil
		}
		end := strings.LastIndexByte(path, '/')
		if end < 0 {
			return Match{}, fmt.Errorf("%w for %q, %s", ErrNoEntry, host, c.keys())
		}
		path = path[:end]
	}
}

// key returns the key in the file that stands for path; "" if there is none.
func (c Config) key(path string) (string, error) {
	if _, ok := c.entries[path]; ok && path != "" {
		return path, nil
	}
	var legacy []string
	for key := range c.entries {
		if normalize(key) == path {
			legacy = append(legacy, key)
		}
	}
	slices.Sort(legacy)
	switch {
	case len(legacy) == 0:
		return "", nil
	case len(legacy) > 1:
		return "", fmt.Errorf("%w: %q and %q are both for %q", ErrInvalid, legacy[0], legacy[1], path)
	}
	return legacy[0], nil
}

// normalize turns a key that is a URL into the path that it stands for.
func normalize(key string) string {
	path, ok := strings.CutPrefix(key, "https://")
	if !ok {
		path = strings.TrimPrefix(key, "http://")
	}
	path = strings.TrimRight(path, "/")
	if host, version, ok := strings.Cut(path, "/"); ok && (version == "v1" || version == "v2") {
		return host
	}
	return path
}

// hostPattern is a key that can only be a registry: a secret that was put in its place by mistake has no dot and no port.
var hostPattern = regexp.MustCompile(`^(https?://)?([a-zA-Z0-9-]+(\.[a-zA-Z0-9-]+)+(:[0-9]{1,5})?|[a-z0-9-]+:[0-9]{1,5}|localhost)(/[a-z0-9._-]+)*/?$`)

// keys tells which registries the file is for.
func (c Config) keys() string {
	var known []string
	for key := range c.entries {
		if hostPattern.MatchString(key) && len(key) <= 255 {
			known = append(known, key)
		}
	}
	if len(known) == 0 {
		return "the file has none for any registry"
	}
	slices.Sort(known)
	const most = 5
	if more := len(known) - most; more > 0 {
		return fmt.Sprintf("the file has entries for %q and %d more", known[:most], more)
	}
	return fmt.Sprintf("the file has entries for %q", known)
}

// Besides returns the registries, in order, that the file is for besides the entry of that key: entries, and those with a helper. A key that
// could be no registry, but a secret that was put in its place by mistake, is returned as its length.
func (c Config) Besides(key string) []string {
	others := []string{}
	add := func(other string) {
		if !hostPattern.MatchString(other) || len(other) > 255 {
			other = fmt.Sprintf("a key of %d bytes that is no registry", len(other))
		}
		if !slices.Contains(others, other) {
			others = append(others, other)
		}
	}
	for other := range c.entries {
		if other != key {
			add(other)
		}
	}
	for other := range c.helpers {
		add(other)
	}
	slices.Sort(others)
	return others
}
