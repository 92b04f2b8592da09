package dockerconfig

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Read parses the file at path, or in the directory at path the file config.json, else .dockerconfigjson, the key of a
// kubernetes.io/dockerconfigjson Secret that is mounted as it is. The error is Parse's, or says which file cannot be read.
func Read(path string) (Config, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Config{}, fmt.Errorf("reading dockerconfig: %w", err)
	}
	if info.IsDir() {
		directory := path
		path = filepath.Join(directory, "config.json")
		if absentFile(path) {
			path = filepath.Join(directory, ".dockerconfigjson")
		}
		if legacy := filepath.Join(directory, ".dockercfg"); absentFile(path) && !absentFile(legacy) {
			return Config{}, fmt.Errorf("reading dockerconfig %q: %w", legacy, errLegacy)
		}
	}
	data, err := readFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("reading dockerconfig: %w", err)
	}
	config, err := Parse(data)
	if err != nil {
		return Config{}, fmt.Errorf("reading dockerconfig %q: %w", path, err)
	}
	return config, nil
}

// absentFile reports whether nothing is at path; what cannot be looked at may be there.
func absentFile(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// readFile reads no more than Parse would look at.
func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, MaxSize+1))
}
