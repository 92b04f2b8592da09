package quay

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Config is what Quay tells everybody about itself.
type Config struct {
	// Version is Quay's version, such as 3.18.0; empty where Quay does not tell, as quay.io does.
	Version string
	// State is normal or readonly.
	State string
	// Features are the FEATURE_ settings without that prefix, those that are on or off.
	Features map[string]bool
	// Settings are the other settings that Quay shows.
	Settings map[string]any
}

// Config asks for what Quay's own web page asks first (quay/quay endpoints/web.py, /config). It needs no token.
func (c *Client) Config(ctx context.Context) (Config, error) {
	var answer struct {
		Version  string         `json:"version_number"`
		State    string         `json:"registry_state"`
		Features map[string]any `json:"features"`
		Config   map[string]any `json:"config"`
	}
	if err := c.send(ctx, call{method: http.MethodGet, path: []string{"config"}, out: &answer, again: true}); err != nil {
		return Config{}, fmt.Errorf("reading the settings of Quay: %w", err)
	}
	config := Config{Version: strings.TrimPrefix(strings.TrimPrefix(answer.Version, "Quay "), "v"), State: answer.State,
		Features: map[string]bool{}, Settings: answer.Config}
	for name, value := range answer.Features {
		if on, ok := value.(bool); ok {
			config.Features[name] = on
		}
	}
	return config, nil
}

// Discovery lists the paths that the management API of this Quay has, in order, such as
// /api/v1/organization/{orgname}/robots. It needs no token.
func (c *Client) Discovery(ctx context.Context) ([]string, error) {
	var answer struct {
		Paths map[string]any `json:"paths"`
	}
	if err := c.do(ctx, call{method: http.MethodGet, path: []string{"discovery"}, out: &answer}); err != nil {
		return nil, fmt.Errorf("asking Quay for its API: %w", err)
	}
	paths := []string{}
	for path := range answer.Paths {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	return paths, nil
}
