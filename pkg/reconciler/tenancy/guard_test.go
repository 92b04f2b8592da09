package tenancy

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"
)

// policies is a Cluster that has policies and bindings, and nothing else.
type policies struct {
	Cluster
	policies []*admissionv1.ValidatingAdmissionPolicy
	bindings []*admissionv1.ValidatingAdmissionPolicyBinding
	err      error
}

func (p *policies) Policy(_ context.Context, name string) (*admissionv1.ValidatingAdmissionPolicy, error) {
	for _, policy := range p.policies {
		if policy.Name == name {
			return policy, nil
		}
	}
	return nil, apierrs.NewNotFound(schema.GroupResource{Resource: "validatingadmissionpolicies"}, name)
}

func (p *policies) PolicyBindings(context.Context) ([]*admissionv1.ValidatingAdmissionPolicyBinding, error) {
	return p.bindings, p.err
}

// shipped reads the policies that config/ installs.
func shipped(t *testing.T) *policies {
	t.Helper()
	files, err := filepath.Glob("../../../config/300-*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %v", files, err)
	}
	p := &policies{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, document := range strings.Split("\n"+string(data), "\n---\n") {
			if strings.Contains(document, "kind: ValidatingAdmissionPolicyBinding") {
				b := &admissionv1.ValidatingAdmissionPolicyBinding{}
				if err := yaml.UnmarshalStrict([]byte(document), b); err != nil {
					t.Fatalf("%s: %v", file, err)
				}
				p.bindings = append(p.bindings, b)
			} else {
				v := &admissionv1.ValidatingAdmissionPolicy{}
				if err := yaml.UnmarshalStrict([]byte(document), v); err != nil {
					t.Fatalf("%s: %v", file, err)
				}
				p.policies = append(p.policies, v)
			}
		}
	}
	return p
}

var sharedNamespace = &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "openshift-pipelines",
	Labels: map[string]string{"quay.comptech-lab.com/guarded": "true"}}}

func TestShippedPoliciesGuardTheSharedNamespaceAlone(t *testing.T) {
	p := shipped(t)
	if guarded, err := Guarded(t.Context(), p, sharedNamespace); err != nil || !guarded {
		t.Errorf("the shared namespace: %v, %v", guarded, err)
	}
	other := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "x", Labels: map[string]string{"kubernetes.io/metadata.name": "x"}}}
	if guarded, err := Guarded(t.Context(), p, other); err != nil || guarded {
		t.Errorf("another namespace: %v, %v", guarded, err)
	}
}

// Each way in which a guard can be there and not guard.
func TestWeakGuardIsNone(t *testing.T) {
	something := &metav1.LabelSelector{MatchLabels: map[string]string{"a": "b"}}
	for name, weaken := range map[string]func(*admissionv1.ValidatingAdmissionPolicy, *admissionv1.ValidatingAdmissionPolicyBinding){
		"policy ignores failures": func(p *admissionv1.ValidatingAdmissionPolicy, _ *admissionv1.ValidatingAdmissionPolicyBinding) {
			p.Spec.FailurePolicy = new(admissionv1.Ignore)
		},
		"policy validates nothing": func(p *admissionv1.ValidatingAdmissionPolicy, _ *admissionv1.ValidatingAdmissionPolicyBinding) {
			p.Spec.Validations = nil
		},
		"policy looks at nothing": func(p *admissionv1.ValidatingAdmissionPolicy, _ *admissionv1.ValidatingAdmissionPolicyBinding) {
			p.Spec.MatchConstraints = nil
		},
		"policy looks at some objects": func(p *admissionv1.ValidatingAdmissionPolicy, _ *admissionv1.ValidatingAdmissionPolicyBinding) {
			p.Spec.MatchConstraints.ObjectSelector = something
		},
		"policy looks at some namespaces": func(p *admissionv1.ValidatingAdmissionPolicy, _ *admissionv1.ValidatingAdmissionPolicyBinding) {
			p.Spec.MatchConstraints.NamespaceSelector = something
		},
		"policy excludes": func(p *admissionv1.ValidatingAdmissionPolicy, _ *admissionv1.ValidatingAdmissionPolicyBinding) {
			p.Spec.MatchConstraints.ExcludeResourceRules = make([]admissionv1.NamedRuleWithOperations, 1)
		},
		"policy goes away": func(p *admissionv1.ValidatingAdmissionPolicy, _ *admissionv1.ValidatingAdmissionPolicyBinding) {
			p.DeletionTimestamp = &metav1.Time{}
		},
		"policy is gone": func(p *admissionv1.ValidatingAdmissionPolicy, _ *admissionv1.ValidatingAdmissionPolicyBinding) {
			p.Name = "another"
		},
		"binding warns": func(_ *admissionv1.ValidatingAdmissionPolicy, b *admissionv1.ValidatingAdmissionPolicyBinding) {
			b.Spec.ValidationActions = []admissionv1.ValidationAction{admissionv1.Warn, admissionv1.Audit}
		},
		"binding is of another policy": func(_ *admissionv1.ValidatingAdmissionPolicy, b *admissionv1.ValidatingAdmissionPolicyBinding) {
			b.Spec.PolicyName = "another"
		},
		"binding is for some objects": func(_ *admissionv1.ValidatingAdmissionPolicy, b *admissionv1.ValidatingAdmissionPolicyBinding) {
			b.Spec.MatchResources.ObjectSelector = something
		},
		"binding is for other namespaces": func(_ *admissionv1.ValidatingAdmissionPolicy, b *admissionv1.ValidatingAdmissionPolicyBinding) {
			b.Spec.MatchResources.NamespaceSelector = something
		},
		"policy has its own names": func(p *admissionv1.ValidatingAdmissionPolicy, _ *admissionv1.ValidatingAdmissionPolicyBinding) {
			p.Spec.ParamKind = nil
		},
		"policy reads another kind": func(p *admissionv1.ValidatingAdmissionPolicy, _ *admissionv1.ValidatingAdmissionPolicyBinding) {
			p.Spec.ParamKind.Kind = "Secret"
		},
		"binding has no names": func(_ *admissionv1.ValidatingAdmissionPolicy, b *admissionv1.ValidatingAdmissionPolicyBinding) {
			b.Spec.ParamRef = nil
		},
		"binding reads another ConfigMap": func(_ *admissionv1.ValidatingAdmissionPolicy, b *admissionv1.ValidatingAdmissionPolicyBinding) {
			b.Spec.ParamRef.Name = "another"
		},
		"binding reads another namespace's ConfigMap": func(_ *admissionv1.ValidatingAdmissionPolicy, b *admissionv1.ValidatingAdmissionPolicyBinding) {
			b.Spec.ParamRef.Namespace = "another"
		},
		"binding reads all ConfigMaps": func(_ *admissionv1.ValidatingAdmissionPolicy, b *admissionv1.ValidatingAdmissionPolicyBinding) {
			b.Spec.ParamRef.Selector = &metav1.LabelSelector{}
		},
		"binding lets all pass without its ConfigMap": func(_ *admissionv1.ValidatingAdmissionPolicy, b *admissionv1.ValidatingAdmissionPolicyBinding) {
			b.Spec.ParamRef.ParameterNotFoundAction = new(admissionv1.AllowAction)
		},
		"binding is for some resources": func(_ *admissionv1.ValidatingAdmissionPolicy, b *admissionv1.ValidatingAdmissionPolicyBinding) {
			b.Spec.MatchResources.ResourceRules = make([]admissionv1.NamedRuleWithOperations, 1)
		},
	} {
		for _, guard := range Guards {
			p := shipped(t)
			for _, policy := range p.policies {
				for _, binding := range p.bindings {
					if policy.Name == guard && binding.Name == guard {
						weaken(policy, binding)
					}
				}
			}
			if guarded, err := Guarded(t.Context(), p, sharedNamespace); err != nil || guarded {
				t.Errorf("%s of %s: guarded %v, %v", name, guard, guarded, err)
			}
		}
	}
}

func TestGuardOfEveryNamespace(t *testing.T) {
	p := shipped(t)
	for _, b := range p.bindings {
		b.Spec.MatchResources = nil
	}
	if guarded, err := Guarded(t.Context(), p, sharedNamespace); err != nil || !guarded {
		t.Errorf("bindings without a selector: %v, %v", guarded, err)
	}
}

func TestUnknownIsAnError(t *testing.T) {
	p := shipped(t)
	p.err = errors.New("the API server is away")
	if _, err := Guarded(t.Context(), p, sharedNamespace); err == nil {
		t.Error("no error")
	}
}
