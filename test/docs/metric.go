package docs

import (
	"os"
	"regexp"
	"strings"
)

// metricRow is a row of a table of metrics: | `name` | type | `label`, `label` | meaning |
var metricRow = regexp.MustCompile("(?m)^\\| `(quay_push_[a-z_]+)` \\| ([a-z]+) \\| ([^|]*) \\|")

// Metrics returns the metrics that a page has in a table, by name, each as "type label, label".
func Metrics(page string) (map[string]string, error) {
	data, err := os.ReadFile(page)
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for _, match := range metricRow.FindAllStringSubmatch(string(data), -1) {
		found[match[1]] = match[2] + " " + strings.ReplaceAll(match[3], "`", "")
	}
	return found, nil
}
