package quaytest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// python is a JSON value as Python prints it, which is how Quay quotes one in an error.
func python(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		return map[bool]string{true: "True", false: "False"}[v]
	case string:
		return "'" + strings.ReplaceAll(v, "'", `\'`) + "'"
	case []any:
		parts := []string{}
		for _, item := range v {
			parts = append(parts, python(item))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		parts := []string{}
		for key, item := range v {
			parts = append(parts, python(key)+": "+python(item))
		}
		slices.Sort(parts)
		return "{" + strings.Join(parts, ", ") + "}"
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}
