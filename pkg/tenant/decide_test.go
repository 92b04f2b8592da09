package tenant

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
)

const (
	teamLabel  = "apps.platform/team"
	otherLabel = "pipeline.comptech-lab.com/team"
	host       = "quay.apps.sub.comptech-lab.com"
)

// platform is the convention of a platform that has said where its Quay is.
func platform() Convention {
	c := Default()
	c.Registry = host
	return c
}

// Until the platform names its registry, nobody's image is anywhere.
func TestNoRegistry(t *testing.T) {
	_, err := Default().Decide(payments(func(r *Request) { r.Image = "/team-payments/checkout" }))
	var refusal *Refusal
	if !errors.As(err, &refusal) || refusal.Reason != v1alpha1.ReasonNotConfigured || refusal.Rule != RuleRegistry || !strings.Contains(refusal.Allow, "config-tenancy") {
		t.Errorf("without a registry: %v", err)
	}
}

// payments is a request that the rule namespace-label allows; edit makes the case under test of it.
func payments(edit func(*Request)) Request {
	r := Request{
		Name: "pr-push", Namespace: "apps-payments-checkout",
		NamespaceLabels: map[string]string{teamLabel: "payments", "apps.platform/division": "retail", "apps.platform/app": "checkout"},
		Owner:           &Owner{Name: "pr", UID: "uid-1"},
		Run:             &Run{UID: "uid-1", Children: []string{"pr-build", "pr-push"}},
		Image:           host + "/team-payments/checkout",
	}
	edit(&r)
	return r
}

// shared is a request that the rule shared-namespace allows.
func shared(edit func(*Request)) Request {
	return payments(func(r *Request) {
		r.Namespace, r.NamespaceLabels, r.Guarded = "openshift-pipelines", nil, true
		r.Run.Labels = map[string]string{teamLabel: "payments"}
		edit(r)
	})
}

func TestDecideAllows(t *testing.T) {
	names := Names{Organization: "team-payments", Registry: host, RobotNames: []string{"team-payments+ci", "team-payments+ci-b"},
		Secret: "quay-robot-team-payments"}
	byNamespace := Decision{Team: "payments", Division: "retail", App: "checkout", Rule: RuleNamespace, Names: names,
		Evidence: "namespace apps-payments-checkout has label apps.platform/team=payments"}
	byLabel := Decision{Team: "payments", Rule: RuleSharedNamespace, Names: names,
		Evidence: "namespace openshift-pipelines is shared and its policy let the PipelineRun carry apps.platform/team=payments"}

	for name, test := range map[string]struct {
		request Request
		want    Decision
	}{
		"namespace label":                {payments(func(*Request) {}), byNamespace},
		"no owner in a team's namespace": {payments(func(r *Request) { r.Owner, r.Run = nil, nil }), byNamespace},
		"run repeats the team, with the prefix": {payments(func(r *Request) {
			r.Run.Labels = map[string]string{teamLabel: "team-payments", otherLabel: "payments"}
		}), byNamespace},
		"image with tag":    {payments(func(r *Request) { r.Image += ":v1.0_rc" }), byNamespace},
		"image with a path": {payments(func(r *Request) { r.Image += "/api__v2-x.y" }), byNamespace},
		"namespace is labelled and shared: the namespace decides": {payments(func(r *Request) {
			r.Namespace = "openshift-pipelines"
		}), func() Decision {
			d := byNamespace
			d.Evidence = "namespace openshift-pipelines has label apps.platform/team=payments"
			return d
		}()},
		"shared namespace, guarded label": {shared(func(*Request) {}), byLabel},
		"shared namespace, second label": {shared(func(r *Request) {
			r.Run.Labels = map[string]string{otherLabel: "team-payments"}
		}), func() Decision {
			d := byLabel
			d.Evidence = strings.Replace(d.Evidence, teamLabel+"=payments", otherLabel+"=team-payments", 1)
			return d
		}()},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := platform().Decide(test.request)
			if err != nil {
				t.Fatalf("Decide: %v", err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("decision (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecideRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		request Request
		reason  string
		rule    Rule
		says    string // a part of the message that proves it
	}{
		"forged owner UID": {payments(func(r *Request) { r.Owner.UID = "uid-2" }),
			v1alpha1.ReasonUnprovenOwner, RuleOwner, `UID "uid-2", the live one has UID "uid-1"`},
		"owner does not exist": {payments(func(r *Request) { r.Run = nil }),
			v1alpha1.ReasonUnprovenOwner, RuleOwner, `"pr", which does not exist`},
		"owner does not list it": {payments(func(r *Request) { r.Run.Children = []string{"pr-build", "pr-push-2"} }),
			v1alpha1.ReasonUnprovenOwner, RuleOwner, "does not list"},
		"no owner in the shared namespace": {shared(func(r *Request) { r.Owner, r.Run = nil, nil }),
			v1alpha1.ReasonUnprovenOwner, RuleOwner, "not owned"},
		"namespace says another team than the run": {payments(func(r *Request) { r.Run.Labels = map[string]string{otherLabel: "platform"} }),
			v1alpha1.ReasonTenantConflict, RuleNamespace, `says "platform"`},
		"run says nonsense in a team's namespace": {payments(func(r *Request) { r.Run.Labels = map[string]string{teamLabel: ""} }),
			v1alpha1.ReasonTenantConflict, RuleNamespace, `says ""`},
		"namespace label is no team": {payments(func(r *Request) { r.NamespaceLabels[teamLabel] = "team-team-x" }),
			v1alpha1.ReasonInvalidTeam, RuleNamespace, "prefix"},
		"empty namespace label is not a missing one": {shared(func(r *Request) { r.NamespaceLabels = map[string]string{teamLabel: ""} }),
			v1alpha1.ReasonInvalidTeam, RuleNamespace, "lower case"},
		"shared namespace without policy": {shared(func(r *Request) { r.Guarded = false }),
			v1alpha1.ReasonPolicyMissing, RuleSharedNamespace, "no policy guards"},
		"shared namespace, no label": {shared(func(r *Request) { r.Run.Labels = nil }),
			v1alpha1.ReasonNoTenant, RuleSharedNamespace, "none of the labels"},
		"shared namespace, two teams": {shared(func(r *Request) { r.Run.Labels[otherLabel] = "platform" }),
			v1alpha1.ReasonTenantConflict, RuleSharedNamespace, `"payments" and "platform"`},
		"shared namespace, label is no team": {shared(func(r *Request) { r.Run.Labels[teamLabel] = "a_b" }),
			v1alpha1.ReasonInvalidTeam, RuleSharedNamespace, `"a_b"`},
		"namespace without a team": {payments(func(r *Request) { r.NamespaceLabels = nil }),
			v1alpha1.ReasonNoTenant, RuleNone, "has no label"},
		"other registry":     {payments(func(r *Request) { r.Image = "quay.io/team-payments/checkout" }), v1alpha1.ReasonImageOutsideOrganization, RuleImage, "quay.io"},
		"other organization": {payments(func(r *Request) { r.Image = host + "/team-platform/x" }), v1alpha1.ReasonImageOutsideOrganization, RuleImage, "team-platform"},
		"organization's prefix": {payments(func(r *Request) { r.Image = host + "/team-payments-eu/x" }),
			v1alpha1.ReasonImageOutsideOrganization, RuleImage, "team-payments-eu"},
		"dot segments":  {payments(func(r *Request) { r.Image = host + "/team-payments/../team-platform/x" }), v1alpha1.ReasonImageOutsideOrganization, RuleImage, `".."`},
		"empty element": {payments(func(r *Request) { r.Image = host + "/team-payments//x" }), v1alpha1.ReasonImageOutsideOrganization, RuleImage, `""`},
		"organization only": {payments(func(r *Request) { r.Image = host + "/team-payments" }),
			v1alpha1.ReasonImageOutsideOrganization, RuleImage, "not in the organization"},
		"user info": {payments(func(r *Request) { r.Image = "x@" + host + "/team-payments/x" }),
			v1alpha1.ReasonImageOutsideOrganization, RuleImage, "not in the organization"},
		"digest": {payments(func(r *Request) { r.Image += "@sha256:" + strings.Repeat("a", 64) }),
			v1alpha1.ReasonImageOutsideOrganization, RuleImage, "impossible"},
		"space in the tag": {payments(func(r *Request) { r.Image += ":v1 --flag" }), v1alpha1.ReasonImageOutsideOrganization, RuleImage, "tag"},
		"line end":         {payments(func(r *Request) { r.Image += "\n" }), v1alpha1.ReasonImageOutsideOrganization, RuleImage, `\n`},
		"too long":         {payments(func(r *Request) { r.Image += strings.Repeat("a", 255) }), v1alpha1.ReasonImageOutsideOrganization, RuleImage, "characters"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := platform().Decide(test.request)
			var refusal *Refusal
			if !errors.As(err, &refusal) {
				t.Fatalf("Decide: %v, want a refusal", err)
			}
			if refusal.Reason != test.reason || refusal.Rule != test.rule || !slices.Contains(Rules, refusal.Rule) {
				t.Errorf("refused by %s with %s, want %s with %s", refusal.Rule, refusal.Reason, test.rule, test.reason)
			}
			if !strings.Contains(err.Error(), test.says) {
				t.Errorf("message %q does not say %q", err, test.says)
			}
			if refusal.Allow == "" || !strings.Contains(err.Error(), refusal.Allow) || !strings.Contains(err.Error(), string(test.rule)) {
				t.Errorf("message %q names neither rule nor next step", err)
			}
		})
	}
}

func TestUnlisted(t *testing.T) {
	for name, test := range map[string]struct {
		request Request
		want    bool
	}{
		"listed":       {payments(func(*Request) {}), false},
		"not yet":      {payments(func(r *Request) { r.Run.Children = nil }), true},
		"not its own":  {payments(func(r *Request) { r.Run.Children, r.Owner.UID = nil, "forged" }), false},
		"no owner":     {payments(func(r *Request) { r.Owner = nil }), false},
		"owner's gone": {payments(func(r *Request) { r.Run = nil }), false},
	} {
		if got := test.request.Unlisted(); got != test.want {
			t.Errorf("%s: Unlisted() = %v, want %v", name, got, test.want)
		}
	}
}
