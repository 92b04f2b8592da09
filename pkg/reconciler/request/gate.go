package request

import (
	"strconv"
	"time"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/push/verdict"
	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
)

// GateParams are the params of PushImage that say what an image must not have.
var GateParams = []string{v1alpha1.ParamGate, v1alpha1.ParamGateFixableOnly, v1alpha1.ParamGateUnsupported, v1alpha1.ParamGateTimeout}

const (
	// usualGateTimeout is how long the verdict may take where nobody says, as in the Task; longestGateTimeout is the longest that is no mistake.
	usualGateTimeout   = 45 * time.Minute
	longestGateTimeout = 24 * time.Hour
)

// checkGate checks what the params say of a gate, be there one or not.
func (r Request) checkGate() error {
	if _, err := verdict.ParseThreshold(r.Params[v1alpha1.ParamGate]); err != nil {
		return customrun.Failf(v1alpha1.ReasonInvalidParams, "param %q: %v; leave it empty for your team's floor", v1alpha1.ParamGate, err)
	}
	if value := r.Params[v1alpha1.ParamGateFixableOnly]; value != "" && value != "true" && value != "false" {
		return customrun.Failf(v1alpha1.ReasonInvalidParams, "param %q is %.100q; write true or false", v1alpha1.ParamGateFixableOnly, value)
	}
	if value := r.Params[v1alpha1.ParamGateUnsupported]; value != "" {
		if _, err := verdict.ParseUnsupported(value); err != nil {
			return customrun.Failf(v1alpha1.ReasonInvalidParams, "param %q: %.200s; write one of them", v1alpha1.ParamGateUnsupported, err)
		}
	}
	if value := r.Params[v1alpha1.ParamGateTimeout]; value != "" {
		if d, err := time.ParseDuration(value); err != nil || d <= 0 || d > longestGateTimeout {
			return customrun.Failf(v1alpha1.ReasonInvalidParams, "param %q is %.100q; write a time of up to 24h, such as 30m", v1alpha1.ParamGateTimeout, value)
		}
	}
	return nil
}

// CheckGated refuses a run that says how its gate is to be, and has none, by its params or by its team's floor: whoever wrote that believes
// that there is one.
func (r Request) CheckGated(floor verdict.Policy) error {
	if r.Gate(floor).Threshold != verdict.None || r.Params[v1alpha1.ParamGateFixableOnly] != "true" && r.Params[v1alpha1.ParamGateUnsupported] != "pass" {
		return nil
	}
	return customrun.Failf(v1alpha1.ReasonInvalidParams, "params %q and %q are for a gate, and there is none: neither param %q names a severity, nor has the team a floor; name one, or leave them out",
		v1alpha1.ParamGateFixableOnly, v1alpha1.ParamGateUnsupported, v1alpha1.ParamGate)
}

// Gate is what the image must not have: what the params say where that is stricter than the team's floor, and the floor where it is not.
// What the params leave open is the floor's, and where they name a severity that of the Task.
func (r Request) Gate(floor verdict.Policy) verdict.Policy {
	threshold, _ := verdict.ParseThreshold(r.Params[v1alpha1.ParamGate])
	asked := verdict.Policy{Threshold: threshold, FixableOnly: r.Params[v1alpha1.ParamGateFixableOnly] == "true", PassUnsupported: r.Params[v1alpha1.ParamGateUnsupported] == "pass"}
	if threshold == verdict.None && floor.Threshold != verdict.None {
		asked = verdict.Policy{Threshold: floor.Threshold,
			FixableOnly:     r.Params[v1alpha1.ParamGateFixableOnly] != "false",
			PassUnsupported: r.Params[v1alpha1.ParamGateUnsupported] != "fail"}
	}
	return asked.AtLeast(floor)
}

// GateArguments are the Task's params for a gate of policy p, by name; none where there is no verdict. The verdict may take what the
// params say, and no more than three quarters of limit, the time of the whole attempt: else Tekton would end the step before it could
// say why. 0 is no limit.
func (r Request) GateArguments(p verdict.Policy, limit time.Duration) map[string]string {
	if p.Threshold == verdict.None {
		return nil
	}
	timeout, err := time.ParseDuration(r.Params[v1alpha1.ParamGateTimeout])
	if err != nil {
		timeout = usualGateTimeout
	}
	if limit > 0 {
		timeout = min(timeout, limit/4*3)
	}
	unsupported := "fail"
	if p.PassUnsupported {
		unsupported = "pass"
	}
	return map[string]string{v1alpha1.ParamGate: p.Threshold.String(), v1alpha1.ParamGateFixableOnly: strconv.FormatBool(p.FixableOnly),
		v1alpha1.ParamGateUnsupported: unsupported, v1alpha1.ParamGateTimeout: timeout.String()}
}
