package quaytest

import (
	"context"
	"encoding/json"
	"fmt"
)

// dockerProblem returns what Quay has against the config of a Docker schema 2
// manifest: it wants a history there, and no other manifest's config is looked
// at (quay/quay:image/docker/schema2/config.py).
func (c call) dockerProblem(ctx context.Context, doc document) string {
	c.q.mu.Lock()
	found := c.q.blobVisible(c.repo, doc.Config.Digest)
	c.q.mu.Unlock()
	if !found {
		return "Could not load config blob for manifest"
	}
	data, _ := c.q.storage.blob(ctx, c.repo.name, doc.Config.Digest)
	if int64(len(data)) != doc.Config.Size {
		return fmt.Sprintf("Size of config does not match that retrieved: %d vs %d", len(data), doc.Config.Size)
	}
	var config map[string]any
	if err := json.Unmarshal(data, &config); err != nil {
		return "malformed config data: " + err.Error()
	}
	if problem := configProblem(config); problem != "" {
		return "config data does not match schema: " + problem
	}
	return ""
}

func configProblem(config map[string]any) string {
	if problem := check(config, []field{{name: "history", required: true}, {name: "rootfs", required: true}}); problem != "" {
		return problem
	}
	history, ok := config["history"].([]any)
	if !ok {
		return python(config["history"]) + " is not of type 'array'"
	}
	if problem := check(config["rootfs"], []field{{name: "type", kind: "string", required: true}}); problem != "" {
		return problem
	}
	for _, entry := range history {
		if problem := check(entry, []field{{name: "created", kind: "string"}, {name: "created_by", kind: "string"},
			{name: "comment", kind: "string"}, {name: "author", kind: "string"}}); problem != "" {
			return problem
		}
	}
	return ""
}
