//go:build e2e

package e2e

import (
	"maps"
	"math/rand/v2"
	"slices"

	"k8s.io/apimachinery/pkg/runtime"
)

// maker makes values that conform to a schema, at random.
type maker struct{ *rand.Rand }

func pick[T any](m maker, from []T) T { return from[m.IntN(len(from))] }

// value returns a random value of the field at the path.
func (m maker) value(f *field, path []string, depth int) any {
	switch {
	case len(f.Enum) > 0:
		return pick(m, f.Enum)
	case f.untyped():
		return pick(m, []any{word(m.Rand, path), []any{word(m.Rand, path)}, map[string]any{"a": word(m.Rand, path)}})
	case f.IntOrString || len(f.OneOf) > 0:
		return pick(m, []any{int64(1), "1", "1Mi", "100m"})
	}
	switch f.Type {
	case "boolean":
		return m.IntN(2) == 0
	case "integer":
		return pick(m, []int64{0, 1, 2, 1000, 8080, 65532})
	case "number":
		return 0.5
	case "string":
		switch f.Format {
		case "date-time":
			return "2026-01-02T03:04:05Z"
		case "byte":
			return "YQ=="
		}
		return word(m.Rand, path)
	case "array":
		list := []any{}
		for range 1 + m.IntN(2) {
			list = append(list, m.value(f.Items, append(path, "[]"), depth-1))
		}
		return list
	}
	object := m.least(f, path, depth)
	if f.Values != nil {
		object[pick(m, labels)] = m.value(f.Values, append(path, "*"), depth-1)
	}
	names := slices.Sorted(maps.Keys(f.Properties))
	if depth <= 0 || len(names) == 0 {
		return object
	}
	for range pick(m, []int{1, 1, 2, 3}) {
		name := pick(m, names)
		object[name] = m.value(f.Properties[name], append(path, name), depth-1)
	}
	return object
}

// least returns an object with the fields that it must have.
func (m maker) least(f *field, path []string, depth int) map[string]any {
	object := map[string]any{}
	for _, name := range f.Required {
		if property := f.Properties[name]; property != nil && depth > -8 {
			object[name] = m.value(property, append(path, name), min(depth, 1)-1)
		}
	}
	// A container needs one, though its schema does not say so.
	if f.container() {
		object["image"] = m.value(f.Properties["image"], append(path, "image"), 0)
	}
	return object
}

// container reports whether the field is a container: a volume has an image too, which is an object.
func (f *field) container() bool {
	image := f.Properties["image"]
	return image != nil && image.Type == "string"
}

// put returns what was there with a random value at the path below it, and with all that is on the way there.
func (m maker) put(there any, f *field, path, above []string) any {
	if len(path) == 0 {
		return m.value(f, above, 3)
	}
	step, rest, here := path[0], path[1:], append(slices.Clone(above), path[0])
	switch step {
	case "[]":
		list, _ := there.([]any)
		// Containers are there already; of anything else another one is more likely to be valid.
		if containers := slices.Contains(above, "containers") || slices.Contains(above, "initContainers"); len(list) > 0 && (m.IntN(10) == 0 || containers && len(above) == 2 && m.IntN(4) > 0) {
			i := m.IntN(len(list))
			list[i] = m.put(list[i], f.Items, rest, here)
			return list
		}
		var element any
		if len(rest) > 0 && f.Items.Items == nil {
			var fresh map[string]any
			if f.Items.container() && len(list) > 0 {
				fresh = runtime.DeepCopyJSON(list[0].(map[string]any))
				fresh["name"] = short(m.Rand)
			} else {
				fresh = m.least(f.Items, here, 1)
			}
			element = fresh
		}
		return append(list, m.put(element, f.Items, rest, here))
	case "*":
		object, _ := there.(map[string]any)
		if object == nil {
			object = map[string]any{}
		}
		key := pick(m, labels)
		object[key] = m.put(object[key], f.Values, rest, here)
		return object
	}
	object, _ := there.(map[string]any)
	if object == nil {
		object = m.least(f, above, 1)
	}
	object[step] = m.put(object[step], f.Properties[step], rest, here)
	return object
}
