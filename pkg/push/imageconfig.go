package push

import (
	"context"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// imageConfig is the config of an image (OCI image spec v1.1, config.md), with what Docker adds to it.
type imageConfig struct {
	Created         unread        `json:"created"`
	Author          unread        `json:"author"`
	Architecture    unread        `json:"architecture"`
	OS              unread        `json:"os"`
	OSVersion       unread        `json:"os.version"`
	OSFeatures      unread        `json:"os.features"`
	Variant         unread        `json:"variant"`
	Container       unread        `json:"container"`
	ContainerConfig unread        `json:"container_config"`
	DockerVersion   unread        `json:"docker_version"`
	History         []history     `json:"history"`
	Config          runtimeConfig `json:"config"`
	RootFS          struct {
		Type    unread    `json:"type"`
		DiffIDs []v1.Hash `json:"diff_ids"`
	} `json:"rootfs"`
}

// history is how one layer came about.
type history struct {
	Created    unread `json:"created"`
	Author     unread `json:"author"`
	CreatedBy  unread `json:"created_by"`
	Comment    unread `json:"comment"`
	EmptyLayer unread `json:"empty_layer"`
}

// runtimeConfig is how a container of the image is run.
type runtimeConfig struct {
	User        unread
	Env         unread
	Entrypoint  unread
	Cmd         unread
	WorkingDir  unread
	Volumes     unread
	StopSignal  unread
	Healthcheck unread
	OnBuild     unread
	Shell       unread
	Labels      struct {
		ExpiresAfter string `json:"quay.expires-after"`
	}
	ExposedPorts unread
}

// readConfig reads the config of m; an artifact, or an index, has an empty one.
func (p *pusher) readConfig(ctx context.Context, m manifest) (imageConfig, error) {
	var config imageConfig
	if m.Config == nil || !m.Config.MediaType.IsConfig() {
		return config, nil
	}
	body, err := readDocument(ctx, p.source, m.Config.content(), "config")
	if err == nil {
		err = decode(body, &config, fmt.Sprintf("config %q is not an image config", m.Config.Digest))
	}
	return config, p.about(m.Config.content(), err)
}
