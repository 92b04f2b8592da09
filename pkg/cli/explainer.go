package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	"knative.dev/pkg/apis"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/reconciler/tenancy"
	"github.com/comptech-lab/quay-push/pkg/tenant"
)

// explanation is why a run may push or not.
type explanation struct {
	// Run is the CustomRun, namespace/name.
	Run     string `json:"run"`
	Allowed bool   `json:"allowed"`
	// Team to Secret are whose run it is and what it pushes with; empty where that was not decided.
	Team         string `json:"team,omitempty"`
	Registry     string `json:"registry,omitempty"`
	Organization string `json:"organization,omitempty"`
	Secret       string `json:"secret,omitempty"`
	// Reason, Message and Allow are why not, and what would allow it.
	Reason  string        `json:"reason,omitempty"`
	Message string        `json:"message,omitempty"`
	Allow   string        `json:"allow,omitempty"`
	Rules   []ruleOutcome `json:"rules"`
	// Recorded is what the controller wrote into the run's status.
	Recorded string `json:"recorded,omitempty"`
	// Ended is how the run ended; nil while it has not.
	Ended *ended `json:"ended,omitempty"`
}

// ended is the end of a run, as the controller wrote it. The message of a push that failed has the step's class, problem and next step.
type ended struct {
	Succeeded bool   `json:"succeeded"`
	Reason    string `json:"reason"`
	Message   string `json:"message"`
}

// ruleOutcome is what one rule said.
type ruleOutcome struct {
	Rule string `json:"rule"`
	// Outcome is decided, passed, refused, or skipped for a rule that was not reached or is not for this run.
	Outcome string `json:"outcome"`
	Detail  string `json:"detail,omitempty"`
}

// Rules of explain beside the decision's own.
const (
	ruleParam  = "dockerconfig-secret"
	ruleSecret = "secret"
)

// explainer takes decisions as the controller does.
type explainer struct {
	clients   Clients
	cluster   tenancy.Cluster
	config    *config.Config
	namespace string
}

// servedKind is the kind of the CustomRun, and whether it is one of ours.
func servedKind(run *v1beta1.CustomRun) (string, bool) {
	if run.Spec.CustomRef == nil {
		return "", false
	}
	return string(run.Spec.CustomRef.Kind), string(run.Spec.CustomRef.APIVersion) == v1alpha1.APIVersion
}

// explain takes the decision about the run. The error is the API server's.
func (e *explainer) explain(ctx context.Context, run *v1beta1.CustomRun) (explanation, error) {
	x := explanation{Run: run.Namespace + "/" + run.Name, Recorded: recorded(run), Ended: endOf(run)}
	params := map[string]string{}
	for _, p := range run.Spec.Params {
		params[p.Name] = p.Value.StringVal
	}
	image := params[v1alpha1.ParamImageRef]
	d, _, err := tenancy.Decide(ctx, e.cluster, e.config, run, params, false)
	var refusal *tenant.Refusal
	if err != nil && !errors.As(err, &refusal) {
		return x, err
	}
	x.Rules = outcomes(d, refusal, image, params[v1alpha1.ParamSource])
	if refusal != nil {
		x.Reason, x.Message, x.Allow = refusal.Reason, refusal.Message, refusal.Allow
		x.skip(ruleParam, ruleSecret)
		return x, nil
	}
	x.Team, x.Registry, x.Organization, x.Secret = d.Team, d.Registry, d.Organization, d.Secret
	if given := params[v1alpha1.ParamDockerconfigSecret]; given != "" && given != d.Secret {
		x.refuse(ruleParam, v1alpha1.ReasonSecretMismatch, fmt.Sprintf("the param names Secret %q, the team pushes with %q", given, d.Secret), "leave the param out")
		x.skip(ruleSecret)
		return x, nil
	}
	x.Rules = append(x.Rules, ruleOutcome{ruleParam, "passed", "it names no other Secret"})
	return x, e.secret(ctx, &x, run, image, d)
}

// secret looks at the Secret as the controller does before a push.
func (e *explainer) secret(ctx context.Context, x *explanation, run *v1beta1.CustomRun, image string, d tenant.Decision) error {
	namespace := run.Namespace
	if kind, _ := servedKind(run); kind != v1alpha1.KindResolveTenant && e.config.CustodyNamespace != "" && d.Rule == tenant.RuleNamespace {
		namespace = e.config.CustodyNamespace
	}
	err := tenancy.CheckSecret(ctx, e.cluster, namespace, image, d)
	var unfit *tenancy.SecretError
	switch {
	case err == nil:
		x.Allowed = true
		x.Rules = append(x.Rules, ruleOutcome{ruleSecret, "passed", fmt.Sprintf("Secret %s has a robot of the team for the registry", namespace+"/"+d.Secret)})
	case !errors.As(err, &unfit):
		return err
	case unfit.Reason == v1alpha1.ReasonSecretUnreadable:
		// It is the caller who may not, and the controller may all the same.
		x.Allowed = true
		x.skip(ruleSecret)
		x.Rules[len(x.Rules)-1].Detail = fmt.Sprintf("you may not read Secret %s; the controller looks at it before a push", namespace+"/"+d.Secret)
	default:
		x.refuse(ruleSecret, unfit.Reason, unfit.Problem, unfit.Next)
	}
	return nil
}

func (x *explanation) refuse(rule, reason, problem, next string) {
	x.Reason, x.Message, x.Allow = reason, problem, next
	x.Rules = append(x.Rules, ruleOutcome{rule, "refused", problem})
}

func (x *explanation) skip(rules ...string) {
	for _, rule := range rules {
		x.Rules = append(x.Rules, ruleOutcome{rule, "skipped", ""})
	}
}

// outcomes are what the rules of a decision said, in the order in which they are asked.
func outcomes(d tenant.Decision, refusal *tenant.Refusal, image, source string) []ruleOutcome {
	ended, outcome, detail := d.Rule, "decided", d.Evidence
	if refusal != nil {
		ended, outcome, detail = refusal.Rule, "refused", refusal.Message
	}
	rules, reached := []ruleOutcome{}, true
	for _, rule := range []tenant.Rule{tenant.RuleOwner, tenant.RuleNamespace, tenant.RuleSharedNamespace, tenant.RuleNone, tenant.RuleImage, tenant.RuleSource} {
		r := ruleOutcome{string(rule), "skipped", ""}
		switch {
		case rule == ended:
			r.Outcome, r.Detail, reached = outcome, detail, false
		case rule == tenant.RuleOwner:
			r.Outcome = "passed"
		case rule == tenant.RuleImage && refusal == nil && image != "":
			r.Outcome, r.Detail = "passed", image+" is the team's"
		case rule == tenant.RuleSource && refusal == nil && strings.HasPrefix(source, tenant.RegistrySource):
			r.Outcome, r.Detail = "passed", source+" is the namespace's"
		case reached:
			r.Detail = "it is not for this run"
		}
		rules = append(rules, r)
	}
	return rules
}

// recorded is what the controller wrote about the run.
func recorded(run *v1beta1.CustomRun) string {
	if c := run.Status.GetCondition(apis.ConditionSucceeded); c != nil {
		return fmt.Sprintf("Succeeded=%s, %s: %s", c.Status, c.Reason, c.Message)
	}
	return ""
}

// endOf is how the run ended; nil while it has not.
func endOf(run *v1beta1.CustomRun) *ended {
	c := run.Status.GetCondition(apis.ConditionSucceeded)
	if c == nil || c.IsUnknown() {
		return nil
	}
	return &ended{c.IsTrue(), c.Reason, c.Message}
}

// listing is a cluster in which the PipelineRun lists one CustomRun more.
type listing struct {
	tenancy.Cluster
	child string
}

// PipelineRun implements tenancy.Cluster.
func (l listing) PipelineRun(ctx context.Context, namespace, name string) (*pipelinev1.PipelineRun, error) {
	run, err := l.Cluster.PipelineRun(ctx, namespace, name)
	if err != nil {
		return nil, err
	}
	reference := pipelinev1.ChildStatusReference{Name: l.child}
	reference.Kind = "CustomRun"
	run = run.DeepCopy()
	run.Status.ChildReferences = append(run.Status.ChildReferences, reference)
	return run, nil
}
