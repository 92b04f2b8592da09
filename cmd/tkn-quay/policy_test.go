package main

import (
	"fmt"
	"maps"
	"testing"

	"github.com/google/cel-go/cel"
	admissionv1 "k8s.io/api/admissionregistration/v1"
)

// judge evaluates a ValidatingAdmissionPolicy that has no parameter, for a request, as the API server does: nil is what nobody refuses.
func judge(t *testing.T, policy admissionv1.ValidatingAdmissionPolicy, request, object, oldObject map[string]any) (refused []string) {
	t.Helper()
	env, err := cel.NewEnv(cel.OptionalTypes(), cel.Variable("request", cel.DynType), cel.Variable("object", cel.DynType),
		cel.Variable("oldObject", cel.DynType), cel.Variable("variables", cel.DynType))
	if err != nil {
		t.Fatal(err)
	}
	variables := map[string]any{}
	// An object that is not there is null.
	given := map[string]any{"request": request, "object": any(object), "oldObject": any(oldObject), "variables": variables}
	for name, o := range map[string]map[string]any{"object": object, "oldObject": oldObject} {
		if o == nil {
			given[name] = nil
		}
	}
	evaluate := func(expression string) any {
		ast, issues := env.Compile(expression)
		if issues.Err() != nil {
			t.Fatalf("%s: %v", expression, issues.Err())
		}
		program, err := env.Program(ast)
		if err != nil {
			t.Fatal(err)
		}
		value, _, err := program.Eval(given)
		if err != nil {
			// The API server takes an error for a refusal, since failurePolicy is Fail.
			return err
		}
		return value.Value()
	}
	for _, c := range policy.Spec.MatchConditions {
		if evaluate(c.Expression) != true {
			return nil
		}
	}
	for _, v := range policy.Spec.Variables {
		variables[v.Name] = evaluate(v.Expression)
	}
	for _, v := range policy.Spec.Validations {
		switch value := evaluate(v.Expression).(type) {
		case error:
			refused = append(refused, value.Error())
		default:
			if value != true {
				refused = append(refused, v.Message)
			}
		}
	}
	return refused
}

// external returns an ExternalSecret with annotations, as a list of keys and values, and what edit changes.
func external(edit func(object, metadata map[string]any), annotations ...string) map[string]any {
	all := map[string]any{}
	for i := 0; i < len(annotations); i += 2 {
		all[annotations[i]] = annotations[i+1]
	}
	metadata := map[string]any{"name": "quay-robot-team-payments", "labels": map[string]any{"apps.platform/team": "payments"}}
	if len(all) > 0 {
		metadata["annotations"] = all
	}
	object := map[string]any{"metadata": metadata, "spec": map[string]any{"refreshInterval": "1h"}}
	if edit != nil {
		edit(object, metadata)
	}
	return object
}

// What RBAC cannot say is said by the policy: of an ExternalSecret rotate changes the one annotation, and it holds the Leases of teams.
func TestFleetRotatePolicy(t *testing.T) {
	all := documents(t)
	policy := read[admissionv1.ValidatingAdmissionPolicy](t, all["ValidatingAdmissionPolicy fleet-rotate.quay.comptech-lab.com"], true)
	binding := read[admissionv1.ValidatingAdmissionPolicyBinding](t, all["ValidatingAdmissionPolicyBinding fleet-rotate.quay.comptech-lab.com"], true)
	if binding.Spec.PolicyName != policy.Name || len(binding.Spec.ValidationActions) != 1 || binding.Spec.ValidationActions[0] != admissionv1.Deny || *policy.Spec.FailurePolicy != admissionv1.Fail {
		t.Errorf("%+v", binding.Spec)
	}
	const rotate = "system:serviceaccount:quay-push:fleet-rotate"
	lease := func(name string) map[string]any { return map[string]any{"metadata": map[string]any{"name": name}} }
	for name, test := range map[string]struct {
		user, resource, operation string
		object, oldObject         map[string]any
		refused                   bool
	}{
		"the annotation is set":        {rotate, "externalsecrets", "UPDATE", external(nil, "force-sync", "2026"), external(nil), false},
		"the annotation is changed":    {rotate, "externalsecrets", "UPDATE", external(nil, "a", "1", "force-sync", "2027"), external(nil, "a", "1", "force-sync", "2026"), false},
		"another annotation is set":    {rotate, "externalsecrets", "UPDATE", external(nil, "a", "1"), external(nil), true},
		"another one is changed":       {rotate, "externalsecrets", "UPDATE", external(nil, "a", "2"), external(nil, "a", "1"), true},
		"another one is taken away":    {rotate, "externalsecrets", "UPDATE", external(nil, "force-sync", "2026"), external(nil, "a", "1"), true},
		"the spec is changed":          {rotate, "externalsecrets", "UPDATE", external(func(o, _ map[string]any) { o["spec"] = map[string]any{"refreshInterval": "2h"} }), external(nil), true},
		"a label is changed":           {rotate, "externalsecrets", "UPDATE", external(func(_, m map[string]any) { m["labels"] = map[string]any{} }), external(nil), true},
		"a finalizer is put on":        {rotate, "externalsecrets", "UPDATE", external(func(_, m map[string]any) { m["finalizers"] = []any{"a/b"} }), external(nil), true},
		"an owner is named":            {rotate, "externalsecrets", "UPDATE", external(func(_, m map[string]any) { m["ownerReferences"] = []any{map[string]any{"uid": "1"}} }), external(nil), true},
		"one is made":                  {rotate, "externalsecrets", "CREATE", external(nil), nil, true},
		"one is deleted":               {rotate, "externalsecrets", "DELETE", nil, external(nil), true},
		"somebody else changes it":     {"system:serviceaccount:quay-push:controller", "externalsecrets", "UPDATE", external(nil, "a", "1"), external(nil), false},
		"a team's Lease is made":       {rotate, "leases", "CREATE", lease("credential-payments"), nil, false},
		"a team's Lease is held":       {rotate, "leases", "UPDATE", lease("credential-payments"), lease("credential-payments"), false},
		"the controller's Lease":       {rotate, "leases", "UPDATE", lease("controller.00-of-01"), lease("controller.00-of-01"), true},
		"a Lease of another is made":   {rotate, "leases", "CREATE", lease("controller.00-of-01"), nil, true},
		"a team's Lease is deleted":    {rotate, "leases", "DELETE", nil, lease("credential-payments"), true},
		"the controller holds its own": {"system:serviceaccount:quay-push:controller", "leases", "UPDATE", lease("controller.00-of-01"), lease("controller.00-of-01"), false},
	} {
		request := map[string]any{"operation": test.operation, "userInfo": map[string]any{"username": test.user}, "resource": map[string]any{"resource": test.resource}}
		if refused := judge(t, policy, request, test.object, test.oldObject); len(refused) > 0 != test.refused || len(refused) > 1 {
			t.Errorf("%s: refused with %q, want %v", name, refused, test.refused)
		}
	}
	request := map[string]any{"operation": "UPDATE", "userInfo": map[string]any{"username": rotate}, "resource": map[string]any{"resource": "externalsecrets"}, "subResource": "status"}
	if refused := judge(t, policy, maps.Clone(request), external(nil), external(nil)); fmt.Sprint(refused) != "[fleet-rotate changes nothing of an ExternalSecret but its annotation force-sync]" {
		t.Errorf("its status: %q", refused)
	}
}
