// Package monitoring reads the alerts and the dashboard of config/monitoring. With the build tag promtool its test has Prometheus' own
// promtool fire and silence the alerts.
package monitoring

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// Manifests is the directory with what a platform team applies.
const Manifests = "../../config/monitoring/"

// Rules is the spec of a PrometheusRule: a rule file of Prometheus.
type Rules struct {
	Groups []Group `json:"groups"`
}

// Group is what is evaluated together, each Interval.
type Group struct {
	Name     string `json:"name"`
	Interval string `json:"interval,omitempty"`
	Rules    []Rule `json:"rules"`
}

// Rule is an alert.
type Rule struct {
	Alert       string            `json:"alert,omitempty"`
	Record      string            `json:"record,omitempty"`
	Expr        string            `json:"expr"`
	For         string            `json:"for,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// ReadRules returns the rules of a PrometheusRule. A field that Prometheus does not know is an error.
func ReadRules(path string) (Rules, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Rules{}, err
	}
	var object struct {
		APIVersion string         `json:"apiVersion"`
		Kind       string         `json:"kind"`
		Metadata   map[string]any `json:"metadata"`
		Spec       Rules          `json:"spec"`
	}
	if err := yaml.UnmarshalStrict(data, &object); err != nil {
		return Rules{}, fmt.Errorf("reading %q: %w", path, err)
	}
	if object.Kind != "PrometheusRule" {
		return Rules{}, fmt.Errorf("reading %q: it is a %q", path, object.Kind)
	}
	return object.Spec, nil
}

// Alerts returns the rules of all groups.
func (r Rules) Alerts() (all []Rule) {
	for _, g := range r.Groups {
		all = append(all, g.Rules...)
	}
	return all
}

var (
	// texts come first: they may have braces.
	texts = regexp.MustCompile(`"[^"]*"`)
	// notMetrics are the parts of an expression with names that are no metrics: label matchers, ranges, and the labels of a grouping.
	notMetrics = regexp.MustCompile(`\{[^}]*\}|\[[^\]]*\]|\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)`)
	// selector is a name; one before a parenthesis is a function's or an operator's.
	selector = regexp.MustCompile(`\b[a-zA-Z_:][a-zA-Z0-9_:]*\s*\(?`)
	keywords = []string{"and", "or", "unless", "bool", "offset", "inf", "nan"}
)

// Metrics returns the metrics that a PromQL expression reads, histograms by their own name, each once and sorted. The expression is one
// that promtool takes.
func Metrics(expr string) []string {
	names := []string{}
	for _, name := range selector.FindAllString(notMetrics.ReplaceAllString(texts.ReplaceAllString(expr, `""`), " "), -1) {
		if strings.HasSuffix(name, "(") || slices.Contains(keywords, strings.ToLower(strings.TrimSpace(name))) {
			continue
		}
		name = strings.TrimSpace(name)
		for _, suffix := range []string{"_bucket", "_count", "_sum"} {
			name = strings.TrimSuffix(name, suffix)
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Documented returns the names in the metrics tables of docs/operations.md and docs/fleet.md, which the tests of those who make the
// metrics hold against the code.
func Documented() (map[string]bool, error) {
	names := map[string]bool{}
	for _, name := range []string{"operations.md", "fleet.md"} {
		page, err := os.ReadFile("../../docs/" + name)
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(page)) {
			if name, _, ok := strings.Cut(strings.TrimPrefix(line, "| `"), "` |"); ok && strings.HasPrefix(line, "| `") {
				names[name] = true
			}
		}
	}
	return names, nil
}
