package cli_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clienttesting "k8s.io/client-go/testing"

	"github.com/comptech-lab/quay-push/pkg/cli"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// looked is what doctor prints as JSON.
type looked struct {
	Looks []struct{ ID, Health, Detail, Next string }
}

// doctor runs it and returns its looks by name, those of one name one after the other.
func (w *world) doctor(args ...string) (looked, map[string]string) {
	w.Helper()
	_, stdout, stderr := w.run(w.Context(), "", append([]string{"doctor", "-o", "json"}, args...)...)
	var found looked
	if err := json.Unmarshal([]byte(stdout), &found); err != nil {
		w.Fatalf("%v\n%s", err, stderr)
	}
	byID := map[string]string{}
	for _, l := range found.Looks {
		byID[l.ID] += fmt.Sprintf("%s %s; %s", l.Health, l.Detail, l.Next)
	}
	return found, byID
}

// pageLooks are the looks that docs/cli.md lists.
var pageLooks = strings.Fields(`tenants controller tekton task external-secrets guards guarded-label pod-security run-account shared-accounts tekton-apart old-runs quota
	external-secret-policy controller-lists-secrets controller-creates-taskruns controller-reads-secret everybody-reads everybody-uses receipt-key
	quay quay-version quay-state quay-hostname quay-anchors quay-auto-prune quay-time-machine quay-superusers quay-token quay-token-age issuer issuer-published keyless-accounts vault-token vault-role clocks`)

// Every look is printed whatever is broken, in the order of the page, and none is without a reason.
func TestDoctorPrintsEveryLook(t *testing.T) {
	refuse := func(w *world) {
		w.kube.PrependReactor("*", "*", func(action clienttesting.Action) (bool, runtime.Object, error) {
			if action.GetResource().Resource == "configmaps" && action.GetVerb() == "get" {
				return false, nil, nil
			}
			return true, nil, apierrs.NewForbidden(schema.GroupResource{Resource: action.GetResource().Resource}, "x", errors.New("no"))
		})
	}
	for name, prepare := range map[string]func(*world) []string{
		"empty":         func(*world) []string { return nil },
		"healthy":       func(w *world) []string { w.install(); w.onboard("payments"); return nil },
		"no rights":     func(w *world) []string { w.install(); refuse(w); return nil },
		"no Quay":       func(w *world) []string { return []string{"--quay-url", "https://127.0.0.1:1"} },
		"no token":      func(w *world) []string { w.env["QUAY_TOKEN"], w.env["VAULT_TOKEN"] = "", ""; return nil },
		"wrong address": func(w *world) []string { w.onboard("payments"); return []string{"--vault-addr", "vault:8200"} },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			found, byID := w.doctor(prepare(w)...)
			ids := []string{}
			for _, l := range found.Looks {
				ids = append(ids, l.ID)
				if l.Detail == "" || l.Health == "failed" && l.Next == "" || strings.Contains(l.Detail, "true") || strings.Contains(l.Detail, "false") {
					t.Errorf("%s: %s; %s", l.ID, l.Detail, l.Next)
				}
			}
			if got := slices.Compact(ids); !slices.Equal(got, pageLooks) {
				t.Errorf("looks are\n%v, want\n%v", got, pageLooks)
			}
			want := map[string]string{
				"no rights": `unknown listing namespaces: namespaces "x" is forbidden: no; get the right; docs/cli.md lists what the tool needs in the cluster`,
			}[name]
			if want != "" && byID["tenants"] != want {
				t.Errorf("tenants: %s", byID["tenants"])
			}
		})
	}
}

// A role that does not let External Secrets in is a finding with a next step for its cause; a Vault that does not answer is not known.
func TestDoctorLogsInAsTheStore(t *testing.T) {
	answer := func(text string) error {
		return fmt.Errorf("logging in to Vault as %q: %w: %s", "external-secrets", vault.ErrDenied, text)
	}
	for name, test := range map[string]struct {
		login     error
		audiences []any
		want      []string
	}{
		"let in":          {nil, nil, []string{"ok External Secrets has every right that it needs on "}},
		"audience":        {nil, []any{"vault"}, []string{"ok "}},
		"other audience":  {errors.New(`logging in: PUT https://vault/v1/auth/kubernetes/login: invalid audience (aud) claim: audience claim does not match any expected audience`), []any{"x"}, []string{"failed ", "invalid audience", "have the two agree: audience in vault read auth/kubernetes/role/", "which is x"}},
		"no audience":     {errors.New(`invalid audience (aud) claim`), nil, []string{"failed ", "which is none"}},
		"other namespace": {answer("namespace not authorized"), nil, []string{"failed ", "denied by Vault", "add namespace openshift-pipelines to bound_service_account_namespaces of auth/kubernetes/role/"}},
		"other account":   {answer("service account name not authorized"), nil, []string{"failed ", "add pipelines-vault-apps to bound_service_account_names of"}},
		"no role":         {errors.New(`invalid role name "x"`), nil, []string{"failed ", "in Vault as tkn quay onboard platform prints it"}},
		"just denied":     {answer("permission denied"), nil, []string{"failed ", "compare vault read auth/kubernetes/role/"}},
		"sealed":          {fmt.Errorf("logging in: %w", vault.ErrSealed), nil, []string{"failed ", "; unseal Vault"}},
		"no answer":       {fmt.Errorf("%w: refused", vault.ErrUnreachable), nil, []string{"unknown ", "; see whether Vault runs there"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.install()
			w.onboard("payments")
			w.must("onboard", "platform", "--vault-address", "https://vault.example.com:8200", "--apply")
			w.storeLogin = test.login
			w.setAudiences(test.audiences)
			_, byID := w.doctor()
			for _, want := range test.want {
				if !strings.Contains(byID["vault-role"], want) {
					t.Errorf("vault-role: %s, want %s", byID["vault-role"], want)
				}
			}
			if want := fmt.Sprint(test.audiences); fmt.Sprint(w.audiences) != want {
				t.Errorf("the token is for %v, want %s", w.audiences, want)
			}
		})
	}
}

// setAudiences sets those of the SecretStore's token.
func (w *world) setAudiences(audiences []any) {
	w.Helper()
	stores := w.dynamic.Resource(secretStores).Namespace(shared)
	list, err := stores.List(w.Context(), metav1.ListOptions{})
	if err != nil || len(list.Items) != 1 {
		w.Fatalf("%d SecretStores: %v", len(list.Items), err)
	}
	store := &list.Items[0]
	if audiences != nil {
		if err := unstructured.SetNestedSlice(store.Object, audiences, "spec", "provider", "vault", "auth", "kubernetes", "serviceAccountRef", "audiences"); err != nil {
			w.Fatal(err)
		}
	} else {
		unstructured.RemoveNestedField(store.Object, "spec", "provider", "vault", "auth", "kubernetes", "serviceAccountRef", "audiences")
	}
	if _, err := stores.Update(w.Context(), store, metav1.UpdateOptions{}); err != nil {
		w.Fatal(err)
	}
}

// Without SecretStore or ServiceAccount it says which is lacking.
func TestDoctorWithoutAStore(t *testing.T) {
	w := newWorld(t)
	w.install()
	w.onboard("payments")
	if _, byID := w.doctor(); !strings.HasPrefix(byID["vault-role"], `unknown there is no SecretStore "openshift-pipelines/`) || !strings.HasSuffix(byID["vault-role"], "; apply what tkn quay onboard platform prints") {
		t.Errorf("vault-role: %s", byID["vault-role"])
	}
	w.must("onboard", "platform", "--vault-address", "https://vault.example.com:8200", "--apply")
	w.kube.PrependReactor("create", "serviceaccounts", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrs.NewNotFound(schema.GroupResource{Resource: "serviceaccounts"}, "pipelines-vault-apps")
	})
	if _, byID := w.doctor(); !strings.HasPrefix(byID["vault-role"], `failed there is no ServiceAccount "openshift-pipelines/pipelines-vault-apps"`) ||
		!strings.HasSuffix(byID["vault-role"], "; kubectl create serviceaccount pipelines-vault-apps --namespace openshift-pipelines") {
		t.Errorf("vault-role: %s", byID["vault-role"])
	}
}

// When the time is up, what was found until then is printed, and the exit code says so.
func TestDoctorTimesOut(t *testing.T) {
	w := newWorld(t)
	w.kube.PrependReactor("list", "namespaces", func(clienttesting.Action) (bool, runtime.Object, error) {
		<-time.After(2 * time.Second) // Longer than the limit below.
		return false, nil, nil
	})
	exit, stdout, stderr := w.run(t.Context(), "", "doctor", "--timeout", "1s")
	if exit != cli.ExitTimeout || !strings.Contains(stdout, "clocks") || !strings.Contains(stderr, "--timeout") {
		t.Errorf("exit %d\n%s%s", exit, stdout, stderr)
	}
}

// Quay that never answers is a finding, and leaves time for the looks after it.
func TestDoctorWithASilentQuay(t *testing.T) {
	w := newWorld(t)
	w.install()
	w.onboard("payments")
	exit, stdout, _ := w.run(t.Context(), "", "doctor", "--quay-url", silence(t), "--timeout", "6s")
	for _, want := range []string{`(?m)^quay +failed +.*context deadline exceeded`, `(?m)^vault-token +ok `, `(?m)^vault-role +unknown +there is no SecretStore`} {
		if !regexp.MustCompile(want).MatchString(stdout) {
			t.Errorf("no line is like %q", want)
		}
	}
	if exit != cli.ExitFindings || strings.Contains(stdout, "the API server was not asked") {
		t.Errorf("exit %d\n%s", exit, stdout)
	}
}

// What needs a tenant tells why none is known, and does not say that there is none.
func TestDoctorWithoutItsTenants(t *testing.T) {
	w := newWorld(t)
	w.install()
	w.onboard("payments")
	w.dynamic.PrependReactor("list", "externalsecrets", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrs.NewForbidden(schema.GroupResource{Resource: "externalsecrets"}, "", errors.New("no list"))
	})
	_, byID := w.doctor()
	for _, id := range []string{"tenants", "vault-role", "vault-token", "quay-token", "everybody-uses"} {
		if got := byID[id]; !strings.HasPrefix(got, "unknown listing ExternalSecrets: ") || !strings.Contains(got, "no list") || !strings.HasSuffix(got, "; get the right; docs/cli.md lists what the tool needs in the cluster") {
			t.Errorf("%s: %s", id, got)
		}
	}
}

// A Task of before the gate is told of: every push with one would end before it begins.
func TestDoctorLooksAtTheTask(t *testing.T) {
	w := newWorld(t)
	look := func() string { _, byID := w.doctor(); return byID["task"] }
	if got := look(); !strings.HasPrefix(got, "failed there is no Task") {
		t.Errorf("without one: %s", got)
	}
	w.install()
	if got := look(); !strings.HasPrefix(got, `ok Task "push-image-quay" is in namespace`) {
		t.Errorf("of this version: %s", got)
	}
	tasks := w.tekton.TektonV1().Tasks(shared)
	task, err := tasks.Get(t.Context(), "push-image-quay", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	task.Spec.Params = nil
	if _, err := tasks.Update(t.Context(), task, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := look(); !strings.HasPrefix(got, "warning Task ") || !strings.Contains(got, "a push with a gate ends as TaskOutdated; install the Task of the controller's version") {
		t.Errorf("an older one: %s", got)
	}
}
