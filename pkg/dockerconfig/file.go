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
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			path = filepath.Join(directory, ".dockerconfigjson")
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

// readFile reads no more than Parse would look at.
func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, MaxSize+1))
}
