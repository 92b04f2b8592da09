package tenant

import (
	"fmt"
	"slices"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/reference"
)

// Rule names the rule that decided whose run it is.
type Rule string

// The rules, in the order in which Decide tries them.
const (
	// RuleRegistry: the platform has said which registry it has.
	RuleRegistry Rule = "registry"
	// RuleOwner: the CustomRun must be the child of a live PipelineRun.
	RuleOwner Rule = "owner"
	// RuleNamespace: the namespace's label names the team.
	RuleNamespace Rule = "namespace-label"
	// RuleSharedNamespace: the namespace is shared; the PipelineRun's label, guarded by policy, names the team.
	RuleSharedNamespace Rule = "shared-namespace"
	// RuleNone: nothing named a team.
	RuleNone Rule = "no-rule"
	// RuleImage: the image must lie in the team's organization.
	RuleImage Rule = "image"
	// RuleSource: an image in a registry must be one of the run's namespace.
	RuleSource Rule = "source"
)

// Rules are all rules, in the order in which Decide asks them.
var Rules = []Rule{RuleRegistry, RuleOwner, RuleNamespace, RuleSharedNamespace, RuleNone, RuleImage, RuleSource}

// Request is everything a decision looks at. All of it may be hostile, but for NamespaceLabels, which only the platform
// can write, and Guarded.
type Request struct {
	// Name is the CustomRun's name; Namespace the one it and its PipelineRun are in.
	Name, Namespace string
	// NamespaceLabels are the labels of Namespace.
	NamespaceLabels map[string]string
	// Owner is the PipelineRun that the CustomRun's controller reference claims; nil when it claims none.
	Owner *Owner
	// Run is the live PipelineRun of that name; nil when there is none.
	Run *Run
	// Guarded says that the policy on the team label denies in Namespace.
	Guarded bool
	// Image is the param image-ref, host/organization/name; empty: what will be pushed is not known yet.
	Image string
	// Source is the param source. Only one that begins with RegistrySource, alone or among several, is looked at: any other is in the
	// run's own workspace.
	Source string
}

// Owner is what an ownerReference claims; anyone who may create a CustomRun can claim anything.
type Owner struct{ Name, UID string }

// Run is what the API server says of a PipelineRun now.
type Run struct {
	UID    string
	Labels map[string]string
	// Children are the names of the CustomRuns in its status.childReferences, which tenants cannot write.
	Children []string
}

// Decision is the tenant of a run.
type Decision struct {
	// Team is the team without prefix; Division and App come from the namespace and may be empty.
	Team, Division, App string
	// Rule is the rule that fired, Evidence one sentence that a person can check.
	Rule     Rule
	Evidence string
	Names
}

// Refusal is why no tenant may push. It is final: only a change by a person can lift it.
type Refusal struct {
	// Reason is one of the v1alpha1 reasons.
	Reason string
	Rule   Rule
	// Message says what is wrong and the proof, Allow what would allow it.
	Message, Allow string
}

// Error returns message, rule and next step as one line.
func (r *Refusal) Error() string {
	return fmt.Sprintf("%s (rule %s); %s", r.Message, r.Rule, r.Allow)
}

// Unlisted reports whether the CustomRun's owner is proved but does not list it yet. Tekton writes childReferences at the
// end of the reconcile that created the CustomRun, so that a young CustomRun may be unlisted for a moment.
func (r Request) Unlisted() bool {
	return r.Owner != nil && r.Run != nil && r.Owner.UID == r.Run.UID && !slices.Contains(r.Run.Children, r.Name)
}

// Decide returns the tenant of a run, or a *Refusal. It fails closed: what no rule allows is refused.
func (c Convention) Decide(r Request) (Decision, error) {
	if c.Registry == "" {
		return Decision{}, &Refusal{v1alpha1.ReasonNotConfigured, RuleRegistry, "ConfigMap config-tenancy names no registry, so that no image is in a team's organization",
			`the platform team can name it: kubectl patch configmap config-tenancy --namespace quay-push --type merge --patch '{"data":{"registry":"<host of Quay>"}}'`}
	}
	value, labelled := r.NamespaceLabels[c.TeamLabel]
	if err := c.checkOwner(r, labelled); err != nil {
		return Decision{}, err
	}
	var d Decision
	var err error
	switch {
	case labelled:
		d, err = c.byNamespace(r, value)
	case slices.Contains(c.SharedNamespaces, r.Namespace):
		d, err = c.byRunLabel(r)
	default:
		err = &Refusal{v1alpha1.ReasonNoTenant, RuleNone,
			fmt.Sprintf("namespace %q has no label %s and is not a shared namespace", r.Namespace, c.TeamLabel),
			fmt.Sprintf("the platform team can label the namespace: kubectl label namespace %s %s=<team>", r.Namespace, c.TeamLabel)}
	}
	if err != nil {
		return Decision{}, err
	}
	d.Names = c.Names(d.Team)
	if r.Image != "" {
		err = d.checkImage(r.Image)
	}
	if err == nil && slices.ContainsFunc(reference.Sources(r.Source), inRegistry) {
		err = c.checkSource(r, d.Rule)
	}
	return d, err
}

// checkOwner is the rule owner. A labelled namespace names the tenant whoever made the CustomRun; anywhere else the PipelineRun
// is the only proof there is.
func (c Convention) checkOwner(r Request, labelled bool) error {
	refuse := func(format string, args ...any) error {
		return &Refusal{v1alpha1.ReasonUnprovenOwner, RuleOwner, fmt.Sprintf(format, args...),
			"use " + v1alpha1.KindPushImage + " as a task of a PipelineRun instead of creating the CustomRun"}
	}
	switch {
	case r.Owner == nil && labelled:
		return nil
	case r.Owner == nil:
		return refuse("CustomRun %q is not owned by a PipelineRun", r.Name)
	case r.Run == nil:
		return refuse("CustomRun %q claims the owner PipelineRun %q, which does not exist", r.Name, r.Owner.Name)
	case r.Owner.UID != r.Run.UID:
		return refuse("CustomRun %q claims PipelineRun %q with UID %q, the live one has UID %q", r.Name, r.Owner.Name, r.Owner.UID, r.Run.UID)
	case r.Unlisted():
		return refuse("PipelineRun %q does not list CustomRun %q in its status.childReferences", r.Owner.Name, r.Name)
	}
	return nil
}

// byNamespace is the rule namespace-label: the namespace decides, and a run may only repeat it.
func (c Convention) byNamespace(r Request, value string) (Decision, error) {
	team, err := c.ParseTeam(value)
	if err != nil {
		return Decision{}, &Refusal{v1alpha1.ReasonInvalidTeam, RuleNamespace,
			fmt.Sprintf("namespace %q label %s: %v", r.Namespace, c.TeamLabel, err), "the platform team can correct the label"}
	}
	for _, label := range c.RunLabels {
		claim, ok := r.label(label)
		if !ok {
			continue
		}
		if claimed, err := c.ParseTeam(claim); err != nil || claimed != team {
			return Decision{}, &Refusal{v1alpha1.ReasonTenantConflict, RuleNamespace,
				fmt.Sprintf("namespace %q belongs to team %q but the PipelineRun's label %s says %q", r.Namespace, team, label, claim),
				"remove the label from the PipelineRun and its Pipeline, or run in that team's namespace"}
		}
	}
	return Decision{
		Team: team, Division: r.NamespaceLabels[c.DivisionLabel], App: r.NamespaceLabels[c.AppLabel], Rule: RuleNamespace,
		Evidence: fmt.Sprintf("namespace %s has label %s=%s", r.Namespace, c.TeamLabel, value),
	}, nil
}

// byRunLabel is the rule shared-namespace: in a shared namespace the run's label decides, and only while the policy guards it.
func (c Convention) byRunLabel(r Request) (Decision, error) {
	if !r.Guarded {
		return Decision{}, &Refusal{v1alpha1.ReasonPolicyMissing, RuleSharedNamespace,
			fmt.Sprintf("namespace %q is shared and no policy guards the label %s there, so that anyone could claim any team", r.Namespace, c.RunLabels[0]),
			fmt.Sprintf("the platform team can apply config/, and label the namespace: kubectl label namespace %s %s=true", r.Namespace, v1alpha1.LabelGuarded)}
	}
	var d Decision
	for _, label := range c.RunLabels {
		value, ok := r.label(label)
		if !ok {
			continue
		}
		team, err := c.ParseTeam(value)
		if err != nil {
			return Decision{}, &Refusal{v1alpha1.ReasonInvalidTeam, RuleSharedNamespace,
				fmt.Sprintf("PipelineRun label %s: %v", label, err), "correct the label"}
		}
		if d.Team != "" && d.Team != team {
			return Decision{}, &Refusal{v1alpha1.ReasonTenantConflict, RuleSharedNamespace,
				fmt.Sprintf("the PipelineRun's labels name two teams, %q and %q", d.Team, team), "keep the one that is meant"}
		}
		if d.Team == "" {
			d = Decision{Team: team, Rule: RuleSharedNamespace, Evidence: fmt.Sprintf(
				"namespace %s is shared and its policy let the PipelineRun carry %s=%s", r.Namespace, label, value)}
		}
	}
	if d.Team == "" {
		return Decision{}, &Refusal{v1alpha1.ReasonNoTenant, RuleSharedNamespace,
			fmt.Sprintf("namespace %q is shared and the PipelineRun has none of the labels %v", r.Namespace, c.RunLabels),
			fmt.Sprintf("label the PipelineRun %s=<team>", c.RunLabels[0])}
	}
	return d, nil
}

func (r Request) label(name string) (string, bool) {
	if r.Run == nil {
		return "", false
	}
	value, ok := r.Run.Labels[name]
	return value, ok
}
