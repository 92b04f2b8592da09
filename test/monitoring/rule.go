// Package monitoring fires and silences the alerts of config/monitoring, with Prometheus' own engine, and reads the dashboard.
// It is a module of its own, since Prometheus brings every cloud's client.
package monitoring

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
	"go.yaml.in/yaml/v3"
)

// Manifests is the directory with what a platform team applies.
const Manifests = "../../config/monitoring/"

// prometheusRule is what of the custom resource matters: its spec is a rule file.
type prometheusRule struct {
	Kind string    `yaml:"kind"`
	Spec yaml.Node `yaml:"spec"`
}

// ReadRules returns the alerts of a PrometheusRule. What Prometheus would not load, unknown fields too, is an error.
func ReadRules(path string) ([]rulefmt.Rule, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var object prometheusRule
	if err := yaml.Unmarshal(data, &object); err != nil {
		return nil, fmt.Errorf("reading %q: %w", path, err)
	}
	if object.Kind != "PrometheusRule" {
		return nil, fmt.Errorf("reading %q: it is a %q", path, object.Kind)
	}
	file, err := yaml.Marshal(&object.Spec)
	if err != nil {
		return nil, err
	}
	groups, errs := rulefmt.Parse(file, false, model.UTF8Validation, NewParser(), slog.New(slog.DiscardHandler))
	if len(errs) > 0 {
		return nil, fmt.Errorf("reading %q: %w", path, errs[0])
	}
	var all []rulefmt.Rule
	for _, g := range groups.Groups {
		all = append(all, g.Rules...)
	}
	return all, nil
}

// NewParser returns a PromQL parser with nothing experimental.
func NewParser() parser.Parser { return parser.NewParser(parser.Options{}) }

// Evaluate evaluates the alert as Prometheus would, every 30 seconds from start until end, and returns the alerts that fire then.
func Evaluate(ctx context.Context, rule rulefmt.Rule, query rules.QueryFunc, start, end time.Time) ([]*rules.Alert, error) {
	expr, err := NewParser().ParseExpr(rule.Expr)
	if err != nil {
		return nil, err
	}
	r := rules.NewAlertingRule(rule.Alert, expr, time.Duration(rule.For), time.Duration(rule.KeepFiringFor), labels.FromMap(rule.Labels),
		labels.FromMap(rule.Annotations), labels.EmptyLabels(), "", true, slog.New(slog.DiscardHandler))
	for at := start; !at.After(end); at = at.Add(30 * time.Second) {
		if _, err := r.Eval(ctx, 0, at, query, nil, 0); err != nil {
			return nil, fmt.Errorf("evaluating alert %q: %w", rule.Alert, err)
		}
	}
	var firing []*rules.Alert
	for _, a := range r.ActiveAlerts() {
		if a.State == rules.StateFiring {
			firing = append(firing, a)
		}
	}
	return firing, nil
}

// Documented returns the names in the metrics tables of docs/operations.md, which the controller's own test holds against its code.
func Documented() (map[string]bool, error) {
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for line := range strings.Lines(string(page)) {
		if name, _, ok := strings.Cut(strings.TrimPrefix(line, "| `"), "` |"); ok && strings.HasPrefix(line, "| `") {
			names[name] = true
		}
	}
	return names, nil
}
