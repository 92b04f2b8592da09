package quaytest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
)

// schema1Manifest is the type that Quay turns an image into for a client who
// asks for a tag and does not say that it takes the image's own.
const schema1Manifest = "application/vnd.docker.distribution.manifest.v1+json"

// What stands for a layer that changed nothing (quay/quay:image/docker/schema2/__init__.py).
const (
	emptyLayer     = "sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4"
	emptyLayerSize = 32
)

// v1Layer is a layer as Docker schema 1 sees it. History is nil for one without any.
type v1Layer struct {
	id, parent, digest string
	size               int64
	empty              bool
	history            []member
}

// schema1 turns an image into Docker schema 1, to the byte, so that its digest
// is the one that Quay would name (quay/quay:image/oci/manifest.py); of an
// index it takes the image for linux on amd64. False if there is none.
func (c call) schema1(ctx context.Context, m *manifest) ([]byte, bool) {
	if m.isList() {
		m = c.usual(m)
	}
	if m == nil || m.Config == nil {
		return nil, false
	}
	data, ok := c.q.storage.blob(ctx, c.repo.name, m.Config.Digest)
	config := members(data)
	layers := v1Layers(config, m.Layers)
	if !ok || len(config) == 0 || layers == nil {
		return nil, false
	}
	blobs, history := []string{}, []string{}
	for i := len(layers) - 1; i >= 0; i-- {
		of := config
		if i < len(layers)-1 {
			of = nil
		}
		blobs = append(blobs, "      {\n         \"blobSum\": "+quote(layers[i].digest)+"\n      }")
		history = append(history, "      {\n         \"v1Compatibility\": "+quote(dumpsMembers(layers[i].compatibility(of)))+"\n      }")
	}
	return []byte("{\n   \"tag\": " + quote(c.ref) + ",\n   \"name\": " + quote(c.repo.name) +
		",\n   \"architecture\": \"amd64\",\n   \"schemaVersion\": 1,\n   \"history\": " + lines(history) +
		",\n   \"fsLayers\": " + lines(blobs) + "\n}"), true
}

// usual is the image for linux on amd64 of an index; nil if it has none.
func (c call) usual(index *manifest) *manifest {
	c.q.mu.Lock()
	defer c.q.mu.Unlock()
	for _, child := range index.children() {
		if p := child.Platform; p != nil && p.OS == "linux" && p.Architecture == "amd64" {
			return c.repo.manifests[child.Digest]
		}
	}
	return nil
}

// lines is a list of objects that are written already.
func lines(items []string) string {
	if len(items) == 0 {
		return "[]"
	}
	return "[\n" + strings.Join(items, ",\n") + "\n   ]"
}

// v1Layers are the layers with what the config says of their making, the lowest
// first; nil if it tells of more or fewer layers than there are.
func v1Layers(config []member, blobs []descriptor) []v1Layer {
	var history []json.RawMessage
	_ = json.Unmarshal(find(config, "history"), &history) // None is none.
	layers, sum, parent := []v1Layer{}, sha256.New(), ""
	add := func(l v1Layer, text string) {
		sum.Write([]byte(text))
		l.id, l.parent = hex.EncodeToString(sum.Sum(nil)), parent
		parent = l.id
		layers = append(layers, l)
	}
	if len(history) == 0 {
		for i, b := range blobs {
			l := v1Layer{digest: b.Digest, size: b.Size}
			if i == len(blobs)-1 {
				l.history = made(config)
			}
			add(l, b.Digest+"||")
		}
		return layers
	}
	for i, raw := range history {
		entry := members(raw)
		l := v1Layer{digest: emptyLayer, size: emptyLayerSize, history: entry, empty: string(find(entry, "empty_layer")) == "true"}
		if !l.empty {
			if len(blobs) == 0 {
				return nil
			}
			l.digest, l.size, blobs = blobs[0].Digest, blobs[0].Size, blobs[1:]
		}
		add(l, dumps(raw)+"|"+strconv.Itoa(i)+"|"+l.digest+"||")
	}
	if len(blobs) > 0 {
		return nil
	}
	return layers
}

// made is what a config says of the making of an image without history.
func made(config []member) []member {
	entry := []member{}
	for _, key := range []string{"created", "author"} {
		if value := find(config, key); value != nil {
			entry = append(entry, member{key, value})
		}
	}
	if command := find(members(find(config, "config")), "Cmd"); command != nil {
		entry = append(entry, member{"created_by", command})
	}
	return entry
}

// compatibility is the layer as an image of its own, with the config if it is the topmost.
func (l v1Layer) compatibility(config []member) []member {
	all := []member{}
	for _, m := range config {
		if m.key != "history" && m.key != "rootfs" {
			all = append(all, m)
		}
	}
	add := func(key string, value json.RawMessage) {
		if value != nil && find(all, key) == nil {
			all = append(all, member{key, value})
		}
	}
	add("id", json.RawMessage(quote(l.id)))
	if l.parent != "" {
		add("parent", json.RawMessage(quote(l.parent)))
	}
	if l.history != nil {
		for _, key := range []string{"created", "author", "comment"} {
			if value := find(l.history, key); string(value) != `""` {
				add(key, value)
			}
		}
		if l.empty {
			add("throwaway", json.RawMessage("true"))
		}
		command := find(l.history, "created_by")
		if command == nil {
			command = json.RawMessage("null")
		}
		add("container_config", json.RawMessage(`{"Cmd": [`+string(command)+`]}`))
	}
	add("Size", json.RawMessage(strconv.FormatInt(l.size, 10)))
	return all
}
