package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/comptech-lab/quay-push/internal/quaytest"
)

// readState reads a YAML or JSON file strictly and the token files that it
// names; a relative name is next to the state file. The error says what is
// wrong with which file and never has a token.
func readState(path string) (quaytest.Setup, error) {
	var state quaytest.Setup
	data, err := os.ReadFile(path)
	if err != nil {
		return state, fmt.Errorf("reading state: %w", err)
	}
	if err := yaml.UnmarshalStrict(data, &state); err != nil {
		return state, fmt.Errorf("reading state %q: %w", path, err)
	}
	for _, o := range state.Organizations {
		for i := range o.Robots {
			if err := readToken(path, &o.Robots[i]); err != nil {
				return state, fmt.Errorf("reading state %q: robot %q: %w", path, o.Name+"+"+o.Robots[i].Name, err)
			}
		}
	}
	return state, nil
}

// readToken moves the content of the robot's token file into its token.
func readToken(path string, r *quaytest.RobotSetup) error {
	if r.TokenFile == "" {
		return nil
	}
	if r.Token != "" {
		return fmt.Errorf("token and tokenFile exclude each other")
	}
	file := r.TokenFile
	if !filepath.IsAbs(file) {
		file = filepath.Join(filepath.Dir(path), file)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("reading token: %w", err)
	}
	r.Token, r.TokenFile = strings.TrimSpace(string(data)), ""
	return nil
}
