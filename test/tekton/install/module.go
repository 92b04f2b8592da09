package install

import (
	"context"
	"encoding/json"
	"fmt"
)

// Module is a Go module as it lies in the cache.
type Module struct {
	// Dir is its directory, Sum the hash of it that go.sum would have.
	Dir, Sum string
}

// Download has go fetch a module, if it is not there: by its path, at the version in go.mod, or as path@version. A module of which
// nothing is imported is in go.mod and not in the cache of a new machine.
func Download(ctx context.Context, module string) (Module, error) {
	output, err := Run(ctx, "", nil, "go", "mod", "download", "-json", module)
	if err != nil {
		return Module{}, err
	}
	var m Module
	if err := json.Unmarshal(output, &m); err != nil {
		return Module{}, fmt.Errorf("reading what go says of %q: %w", module, err)
	}
	return m, nil
}
