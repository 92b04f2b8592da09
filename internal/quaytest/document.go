package quaytest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"
)

// Media types of manifests.
const (
	ociManifest    = "application/vnd.oci.image.manifest.v1+json"
	ociIndex       = "application/vnd.oci.image.index.v1+json"
	ociConfig      = "application/vnd.oci.image.config.v1+json"
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	dockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
	dockerConfig   = "application/vnd.docker.container.image.v1+json"
)

// mediaTypes are the manifests this registry keeps. Quay keeps Docker schema 1
// too, which no tool writes any more.
var mediaTypes = []string{ociManifest, ociIndex, dockerManifest, dockerList}

// document is the part of a manifest or an index that Quay reads.
type document struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     string            `json:"mediaType,omitempty"`
	ArtifactType  string            `json:"artifactType,omitempty"`
	Config        *descriptor       `json:"config,omitempty"`
	Layers        []descriptor      `json:"layers,omitempty"`
	Manifests     []descriptor      `json:"manifests"`
	Subject       *descriptor       `json:"subject,omitempty"`
	Annotations   map[string]string `json:"annotations,omitempty"`
}

// descriptor points to content; Size is in bytes, Digest is sha256:<hex>.
type descriptor struct {
	MediaType    string            `json:"mediaType"`
	Digest       string            `json:"digest"`
	Size         int64             `json:"size"`
	URLs         []string          `json:"urls,omitempty"`
	ArtifactType string            `json:"artifactType,omitempty"`
	Annotations  map[string]string `json:"annotations,omitempty"`
	Platform     *struct {
		Architecture string `json:"architecture"`
		OS           string `json:"os"`
	} `json:"platform,omitempty"`
}

// checkMediaType refuses a manifest of a type that Quay does not know. An
// absent type and application/json pass here and fail to parse later.
func checkMediaType(r *http.Request) *registryError {
	mediaType := r.Header.Get("Content-Type")
	if mediaType == "" || mediaType == "application/json" || slices.Contains(mediaTypes, mediaType) {
		return nil
	}
	return errManifestInvalid(http.StatusUnsupportedMediaType, "manifest schema version not supported")
}

// accepts reports whether the Accept header of r names mediaType; a wildcard does
// not count in Quay.
func accepts(r *http.Request, mediaType string) bool {
	for _, header := range r.Header.Values("Accept") {
		for _, item := range strings.Split(header, ",") {
			if t, _, err := mime.ParseMediaType(item); err == nil && t == mediaType {
				return true
			}
		}
	}
	return false
}

// parseDocument reads a manifest of the given type by the rules of
// quay/quay:image/oci and image/docker.
func parseDocument(mediaType string, body []byte) (document, error) {
	var d document
	if err := json.Unmarshal(body, &d); err != nil {
		return d, fmt.Errorf("malformed manifest data: %w", err)
	}
	index := mediaType == ociIndex || mediaType == dockerList
	switch {
	case !slices.Contains(mediaTypes, mediaType):
		return d, errors.New("manifest data does not match schema: 'tag' is a required property")
	case d.SchemaVersion != 2:
		return d, fmt.Errorf("manifest data does not match schema: schemaVersion is %d", d.SchemaVersion)
	case d.MediaType != "" && d.MediaType != mediaType:
		return d, fmt.Errorf("manifest data does not match schema: mediaType is %q", d.MediaType)
	case !index && (d.Config == nil || d.Layers == nil):
		return d, errors.New("manifest data does not match schema: config and layers are required")
	case index && d.Manifests == nil:
		return d, errors.New("manifest data does not match schema: manifests is required")
	case mediaType == dockerManifest && d.Config.MediaType != dockerConfig:
		return d, fmt.Errorf("manifest data does not match schema: config mediaType is %q", d.Config.MediaType)
	}
	for _, m := range d.Manifests {
		if m.Platform != nil && (m.Platform.Architecture == "" || m.Platform.OS == "") {
			return d, errors.New("manifest data does not match schema: platform needs architecture and os")
		}
	}
	return d, nil
}

// blobs are the descriptors of the config and the layers.
func (d document) blobs() []descriptor {
	if d.Config == nil {
		return nil
	}
	return append([]descriptor{*d.Config}, d.Layers...)
}

// children are the descriptors of the manifests of an index.
func (d document) children() []descriptor { return d.Manifests }

// labels are what Quay acts on when the manifest is tagged: an image's labels
// and annotations, or of an index what all its children have.
func (c call) labels(ctx context.Context, d document) map[string]string {
	labels := map[string]string{}
	if d.Config != nil && (d.Config.MediaType == ociConfig || d.Config.MediaType == dockerConfig) {
		var config struct {
			Config struct{ Labels map[string]string }
		}
		// A config that is no JSON has no labels.
		if body, ok := c.q.storage.blob(ctx, c.repo.name, d.Config.Digest); ok && json.Unmarshal(body, &config) == nil {
			maps.Copy(labels, config.Config.Labels)
		}
	}
	c.q.mu.Lock()
	defer c.q.mu.Unlock()
	for i, child := range d.children() {
		of := c.repo.manifests[child.Digest].labels
		if i == 0 {
			maps.Copy(labels, of)
		}
		maps.DeleteFunc(labels, func(key, value string) bool { return of[key] != value })
	}
	maps.Copy(labels, d.Annotations)
	return labels
}
