package quaytest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// schema1Manifest is the type that Quay turns an image into for a client who
// does not say that it takes the image's own.
const schema1Manifest = "application/vnd.docker.distribution.manifest.v1+json"

// schema1 turns an image that has no history into Docker schema 1, to the byte,
// so that its digest is the one that Quay would name
// (quay/quay:image/oci/manifest.py). It fails for all others.
func (c call) schema1(ctx context.Context, m *manifest) ([]byte, bool) {
	if m.isList() || m.Config == nil {
		return nil, false
	}
	data, ok := c.q.storage.blob(ctx, c.repo.name, m.Config.Digest)
	keys, config, err := ordered(data)
	if !ok || err != nil || config["history"] != nil {
		return nil, false
	}
	ids, sum := []string{}, sha256.New()
	for _, layer := range m.Layers {
		sum.Write([]byte(layer.Digest + "||"))
		ids = append(ids, hex.EncodeToString(sum.Sum(nil)))
	}
	history, blobs := []string{}, []string{}
	for i := len(m.Layers) - 1; i >= 0; i-- {
		parts := []string{}
		if i == len(m.Layers)-1 {
			for _, key := range keys {
				if key != "history" && key != "rootfs" {
					parts = append(parts, quote(key)+": "+spaced(config[key]))
				}
			}
		}
		parts = append(parts, `"id": `+quote(ids[i]))
		if i > 0 {
			parts = append(parts, `"parent": `+quote(ids[i-1]))
		}
		if i == len(m.Layers)-1 && config["container_config"] == nil {
			parts = append(parts, `"container_config": {"Cmd": [`+command(config["config"])+`]}`)
		}
		parts = append(parts, fmt.Sprintf(`"Size": %d`, m.Layers[i].Size))
		entry := "{" + strings.Join(parts, ", ") + "}"
		history = append(history, "      {\n         \"v1Compatibility\": "+quote(entry)+"\n      }")
		blobs = append(blobs, "      {\n         \"blobSum\": "+quote(m.Layers[i].Digest)+"\n      }")
	}
	text := "{\n   \"tag\": " + quote(c.ref) + ",\n   \"name\": " + quote(c.repo.name) +
		",\n   \"architecture\": \"amd64\",\n   \"schemaVersion\": 1,\n   \"history\": [\n" + strings.Join(history, ",\n") +
		"\n   ],\n   \"fsLayers\": [\n" + strings.Join(blobs, ",\n") + "\n   ]\n}"
	return []byte(text), true
}

// ordered reads an object with the order of its members.
func ordered(data []byte) (keys []string, members map[string]json.RawMessage, err error) {
	if err := json.Unmarshal(data, &members); err != nil {
		return nil, nil, err
	}
	for key := range members {
		keys = append(keys, key)
	}
	// Members of members may have the same name; of those the first is at a later place only in a strange config.
	slices.SortFunc(keys, func(a, b string) int {
		return bytes.Index(data, []byte(quote(a))) - bytes.Index(data, []byte(quote(b)))
	})
	return keys, members, nil
}

// command is the command of an image's config.
func command(config json.RawMessage) string {
	var c struct{ Cmd json.RawMessage }
	if json.Unmarshal(config, &c) != nil || c.Cmd == nil {
		return "null"
	}
	return spaced(c.Cmd)
}

// quote is a text as JSON.
func quote(text string) string {
	data, _ := json.Marshal(text) // A string cannot fail.
	return string(data)
}

// spaced writes JSON as Python does: with a space after each comma and colon.
func spaced(raw json.RawMessage) string {
	var compact bytes.Buffer
	if json.Compact(&compact, raw) != nil {
		return string(raw)
	}
	var text strings.Builder
	inString := false
	for i, b := range compact.Bytes() {
		text.WriteByte(b)
		if b == '"' && (i == 0 || compact.Bytes()[i-1] != '\\') {
			inString = !inString
		}
		if !inString && (b == ',' || b == ':') {
			text.WriteByte(' ')
		}
	}
	return text.String()
}
