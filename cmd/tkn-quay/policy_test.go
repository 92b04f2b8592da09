package main

import (
	"fmt"
	"maps"
	"testing"

	"github.com/google/cel-go/cel"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	"sigs.k8s.io/yaml"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
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
	const rotate, successor = "system:serviceaccount:quay-push:fleet-rotate", v1alpha1.AnnotationSuccessor
	account := func(change func(map[string]any), annotations ...string) map[string]any {
		o := external(nil, annotations...)
		delete(o, "spec")
		if change != nil {
			change(o)
		}
		return o
	}
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
		"a keyless robot's successor":  {rotate, "serviceaccounts", "UPDATE", account(nil, successor, "a+ci-2"), account(nil), false},
		"a later successor":            {rotate, "serviceaccounts", "UPDATE", account(nil, "a", "1", successor, "a+ci-3"), account(nil, "a", "1", successor, "a+ci-2"), false},
		"force-sync of an account":     {rotate, "serviceaccounts", "UPDATE", account(nil, "force-sync", "2026"), account(nil), true},
		"a successor of an Ext.Secret": {rotate, "externalsecrets", "UPDATE", external(nil, successor, "a+ci-2"), external(nil), true},
		"an account is mounted":        {rotate, "serviceaccounts", "UPDATE", account(func(o map[string]any) { o["automountServiceAccountToken"] = true }), account(nil), true},
		"an account gets Secrets":      {rotate, "serviceaccounts", "UPDATE", account(func(o map[string]any) { o["imagePullSecrets"] = []any{map[string]any{"name": "a"}} }), account(nil), true},
		"an account is made":           {rotate, "serviceaccounts", "CREATE", account(nil), nil, true},
		"an account is deleted":        {rotate, "serviceaccounts", "DELETE", nil, account(nil), true},
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
	if refused := judge(t, policy, maps.Clone(request), external(nil), external(nil)); fmt.Sprint(refused) != "[fleet-rotate changes nothing but an annotation: force-sync of an ExternalSecret, quay.comptech-lab.com/robot-successor of a ServiceAccount]" {
		t.Errorf("its status: %q", refused)
	}
}

// Nobody uses the fleet's accounts or the OAuth token but Pods of Jobs, and who does anything else in the namespace is not hindered.
func TestFleetAccountPolicy(t *testing.T) {
	all := documents(t)
	policy := read[admissionv1.ValidatingAdmissionPolicy](t, all["ValidatingAdmissionPolicy fleet-account.quay.comptech-lab.com"], true)
	binding := read[admissionv1.ValidatingAdmissionPolicyBinding](t, all["ValidatingAdmissionPolicyBinding fleet-account.quay.comptech-lab.com"], true)
	if binding.Spec.PolicyName != policy.Name || len(binding.Spec.ValidationActions) != 1 || binding.Spec.ValidationActions[0] != admissionv1.Deny || *policy.Spec.FailurePolicy != admissionv1.Fail ||
		binding.Spec.MatchResources.NamespaceSelector.MatchLabels["kubernetes.io/metadata.name"] != "quay-push" {
		t.Errorf("%+v", binding.Spec)
	}
	const jobs, tekton, kubelet = "system:serviceaccount:kube-system:job-controller", "system:serviceaccount:tekton-pipelines:tekton-pipelines-controller", "system:node:a"
	pod := func(account string, more ...string) map[string]any {
		spec := map[string]any{"serviceAccountName": account, "containers": []any{map[string]any{"image": "a"}}}
		for i := 0; i < len(more); i += 2 {
			var value any
			if err := yaml.Unmarshal([]byte(more[i+1]), &value); err != nil {
				t.Fatal(err)
			}
			spec[more[i]] = value
		}
		return map[string]any{"spec": spec}
	}
	secret := func(kind, account string) map[string]any {
		return map[string]any{"type": kind, "metadata": map[string]any{"annotations": map[string]any{"kubernetes.io/service-account.name": account}}}
	}
	const token = "kubernetes.io/service-account-token"
	for name, test := range map[string]struct {
		user, operation, resource, sub, name string
		object, oldObject                    map[string]any
		refused                              bool
	}{
		"a Pod of a Job":                        {jobs, "CREATE", "pods", "", "", pod("fleet-rotate", "volumes", "[{secret: {secretName: fleet-quay-token}}]"), nil, false},
		"a Pod of Tekton's":                     {tekton, "CREATE", "pods", "", "", pod("fleet-rotate"), nil, true},
		"a Pod that is the store's account":     {tekton, "CREATE", "pods", "", "", pod("fleet-quay-token", "volumes", "[{projected: {sources: [{serviceAccountToken: {path: token, audience: vault}}]}}]"), nil, true},
		"another account":                       {tekton, "CREATE", "pods", "", "", pod("default"), nil, false},
		"an account that is not named":          {tekton, "CREATE", "pods", "", "", map[string]any{"spec": map[string]any{"containers": []any{}}}, nil, false},
		"the OAuth token as a volume":           {tekton, "CREATE", "pods", "", "", pod("default", "volumes", "[{secret: {secretName: fleet-quay-token}}]"), nil, true},
		"the OAuth token among others":          {tekton, "CREATE", "pods", "", "", pod("default", "volumes", "[{projected: {sources: [{secret: {name: fleet-quay-token}}]}}]"), nil, true},
		"another Secret":                        {tekton, "CREATE", "pods", "", "", pod("default", "volumes", "[{secret: {secretName: another}}, {projected: {sources: [{secret: {name: another}}]}}]"), nil, false},
		"the OAuth token in a variable":         {tekton, "CREATE", "pods", "", "", pod("default", "containers", "[{image: a, env: [{valueFrom: {secretKeyRef: {name: fleet-quay-token}}}]}]"), nil, true},
		"the OAuth token in every variable":     {tekton, "CREATE", "pods", "", "", pod("default", "initContainers", "[{image: a, envFrom: [{secretRef: {name: fleet-quay-token}}]}]"), nil, true},
		"a label of its Pod":                    {tekton, "UPDATE", "pods", "", "", pod("fleet-verify"), pod("fleet-verify"), false},
		"another image in its Pod":              {tekton, "UPDATE", "pods", "", "", pod("fleet-verify", "containers", "[{image: b}]"), pod("fleet-verify"), true},
		"another image elsewhere":               {tekton, "UPDATE", "pods", "", "", pod("controller", "containers", "[{image: b}]"), pod("controller"), false},
		"one more container in its Pod":         {tekton, "UPDATE", "pods", "ephemeralcontainers", "", pod("fleet-verify"), pod("fleet-verify"), true},
		"one more container elsewhere":          {tekton, "UPDATE", "pods", "ephemeralcontainers", "", pod("controller"), pod("controller"), false},
		"a command in a Pod":                    {jobs, "CONNECT", "pods", "exec", "first-verify-x", map[string]any{}, nil, true},
		"its token for the kubelet":             {kubelet, "CREATE", "serviceaccounts", "token", "fleet-rotate", map[string]any{"spec": map[string]any{}}, nil, false},
		"its token for another":                 {tekton, "CREATE", "serviceaccounts", "token", "fleet-rotate", map[string]any{"spec": map[string]any{}}, nil, true},
		"a token of the store's":                {tekton, "CREATE", "serviceaccounts", "token", "fleet-quay-token", map[string]any{"spec": map[string]any{}}, nil, false},
		"a token of its that stays":             {tekton, "CREATE", "secrets", "", "", secret(token, "fleet-verify"), nil, true},
		"a token of another's that stays":       {tekton, "CREATE", "secrets", "", "", secret(token, "metrics-reader"), nil, false},
		"a Secret of another kind":              {tekton, "CREATE", "secrets", "", "", secret("Opaque", "fleet-verify"), nil, false},
		"a Secret of no kind and no annotation": {tekton, "UPDATE", "secrets", "", "", map[string]any{"metadata": map[string]any{}}, map[string]any{}, false},
	} {
		groups := []any{"system:authenticated"}
		if test.user == kubelet {
			groups = append(groups, "system:nodes")
		}
		request := map[string]any{"operation": test.operation, "userInfo": map[string]any{"username": test.user, "groups": groups},
			"resource": map[string]any{"resource": test.resource}, "name": test.name}
		if test.sub != "" {
			request["subResource"] = test.sub
		}
		if refused := judge(t, policy, request, test.object, test.oldObject); len(refused) > 0 != test.refused || len(refused) > 1 {
			t.Errorf("%s: refused with %q, want %v", name, refused, test.refused)
		}
	}
}
