package document

import (
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/comptech-lab/quay-push/pkg/push/strict"
)

// ImageConfig is the config of an image (OCI image spec v1.1, config.md), with what Docker adds to it.
type ImageConfig struct {
	Created         strict.Unread            `json:"created"`
	Author          strict.Unread            `json:"author"`
	Architecture    strict.Lenient[string]   `json:"architecture"`
	OS              strict.Lenient[string]   `json:"os"`
	OSVersion       strict.Lenient[string]   `json:"os.version"`
	OSFeatures      strict.Lenient[[]string] `json:"os.features"`
	Variant         strict.Lenient[string]   `json:"variant"`
	Container       strict.Unread            `json:"container"`
	ContainerConfig strict.Unread            `json:"container_config"`
	DockerVersion   strict.Unread            `json:"docker_version"`
	History         []history                `json:"history"`
	Config          runtimeConfig            `json:"config"`
	RootFS          struct {
		Type    strict.Unread `json:"type"`
		DiffIDs []v1.Hash     `json:"diff_ids"`
	} `json:"rootfs"`
}

// history is how one layer came about.
type history struct {
	Created    strict.Unread `json:"created"`
	Author     strict.Unread `json:"author"`
	CreatedBy  strict.Unread `json:"created_by"`
	Comment    strict.Unread `json:"comment"`
	EmptyLayer strict.Unread `json:"empty_layer"`
}

// runtimeConfig is how a container of the image is run.
type runtimeConfig struct {
	User        strict.Unread
	Env         strict.Unread
	Entrypoint  strict.Unread
	Cmd         strict.Unread
	WorkingDir  strict.Unread
	Volumes     strict.Unread
	StopSignal  strict.Unread
	Healthcheck strict.Unread
	OnBuild     strict.Unread
	Shell       strict.Unread
	Labels      struct {
		ExpiresAfter string `json:"quay.expires-after"`
	}
	ExposedPorts strict.Unread
}
