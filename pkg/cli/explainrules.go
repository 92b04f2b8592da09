package cli

import (
	"errors"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
	"github.com/comptech-lab/quay-push/pkg/reconciler/request"
	"github.com/comptech-lab/quay-push/pkg/tenant"
)

// ruleOutcome is what one rule said.
type ruleOutcome struct {
	Rule string `json:"rule"`
	// Outcome is decided, passed, refused, or skipped for a rule that was not reached or is not for this run.
	Outcome string `json:"outcome"`
	Detail  string `json:"detail,omitempty"`
}

// Rules of explain beside the decision's own, which come between the first and the others.
const (
	ruleRequest = "request"
	ruleParam   = "dockerconfig-secret"
	ruleSecret  = "secret"
)

// pass notes that rule has nothing against the run.
func (x *explanation) pass(rule, detail string) {
	x.Rules = append(x.Rules, ruleOutcome{rule, "passed", detail})
}

// refuse notes that the run may not push, because of rule.
func (x *explanation) refuse(rule string, f *customrun.Failure) {
	x.Reason, x.Message, x.Allow = f.Reason, f.Error(), f.Next
	x.Rules = append(x.Rules, ruleOutcome{rule, "refused", f.Message})
}

// skip notes that the rules were not reached.
func (x *explanation) skip(rules ...string) {
	for _, rule := range rules {
		x.Rules = append(x.Rules, ruleOutcome{rule, "skipped", ""})
	}
}

// skipDecision notes that none of the rules was reached by which a run is decided.
func (x *explanation) skipDecision() {
	for _, rule := range tenant.Rules {
		x.skip(string(rule))
	}
	x.skip(ruleParam, ruleSecret)
}

// outcomes are what the rules of a decision said, in the order in which they are asked. d is the decision as far as it was taken, and
// err why it was not.
func outcomes(d tenant.Decision, err error, q request.Request) []ruleOutcome {
	refusing, why := refusedBy(err)
	rules, decided, over := []ruleOutcome{}, false, false
	for _, rule := range tenant.Rules {
		r := ruleOutcome{string(rule), "skipped", ""}
		switch {
		case over:
		case rule == refusing:
			r.Outcome, r.Detail, over = "refused", why, true
		case rule == d.Rule:
			r.Outcome, r.Detail, decided = "decided", d.Evidence, true
		case rule == tenant.RuleRegistry, rule == tenant.RuleOwner:
			r.Outcome = "passed"
		case rule == tenant.RuleImage && q.Image() != "":
			r.Outcome, r.Detail = "passed", q.Image()+" is the team's"
		case rule == tenant.RuleSource && q.Copies():
			r.Outcome, r.Detail = "passed", q.Source()+" is the namespace's"
		case !decided && (rule == tenant.RuleNamespace || rule == tenant.RuleSharedNamespace || rule == tenant.RuleNone):
			r.Detail = "it is not for this run"
		}
		rules = append(rules, r)
	}
	return rules
}

// refusedBy is the rule of a decision that refused the run, and why; empty if none did.
func refusedBy(err error) (tenant.Rule, string) {
	var refusal *tenant.Refusal
	var ended *customrun.Failure
	switch {
	case errors.As(err, &refusal):
		return refusal.Rule, refusal.Message
	case errors.As(err, &ended) && ended.Reason != v1alpha1.ReasonSecretMismatch:
		return tenant.RuleOwner, ended.Message
	}
	return "", ""
}
