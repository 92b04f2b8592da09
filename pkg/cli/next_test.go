package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/comptech-lab/quay-push/pkg/overlay"
	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// An error's own next step is told apart from it, and it alone.
func TestSplit(t *testing.T) {
	for _, test := range []struct {
		err           error
		problem, next string
	}{
		{errors.New("x"), "x", ""},
		{usagef("do this", "x is %d", 1), "x is 1", "do this"},
		{&failure{problem: "x"}, "x", ""},
		{&overlay.Refusal{Problem: "x", Next: "do this"}, "x ()", "do this"},
		{fmt.Errorf("verifying: %w", &robot.Error{Problem: "x", Err: errors.New("why"), Next: "do this"}), "verifying: x: why", "do this"},
		{&robot.Error{Problem: "x", Err: fmt.Errorf("y: %w", vault.ErrDenied), Next: "do this"}, "x: y: denied by Vault", "do this"},
	} {
		if problem, next := split(test.err); problem != test.problem || next != test.next {
			t.Errorf("%v: %q, %q", test.err, problem, next)
		}
	}
}

// A request for which there is no time left is told in words of its cause, also when client-go changes its own.
func TestSplitOfALateRequest(t *testing.T) {
	kube, err := kubernetes.NewForConfig(&rest.Config{Host: "http://127.0.0.1:1", QPS: 1, Burst: 1})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	_, err = kube.CoreV1().Namespaces().Get(ctx, "x", metav1.GetOptions{})
	problem, next := split(fmt.Errorf("reading x: %w", err))
	if problem != "reading x: the API server was not asked any more: context deadline exceeded" || next != "see what keeps it waiting, or give it longer with --timeout" {
		t.Errorf("%q, %q", problem, next)
	}
}

// A part that does not answer, or refuses, has a next step of its own; what was stopped has none.
func TestNextOfPart(t *testing.T) {
	dial := &url.Error{Op: "Get", URL: "https://127.0.0.1:1", Err: errors.New("connection refused")}
	things := schema.GroupResource{Resource: "things"}
	quayDown, err := quay.New(quay.Options{URL: "https://127.0.0.1:1", Pause: 1})
	if err != nil {
		t.Fatal(err)
	}
	_, noQuay := quayDown.Config(t.Context())
	t.Setenv("VAULT_ADDR", "https://127.0.0.1:1")
	t.Setenv("VAULT_MAX_RETRIES", "0")
	vaultDown, err := vault.New(vault.Options{Token: secret.New("T"), Mount: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	_, noVault := vaultDown.Read(t.Context(), "apps/a/b/ci/quay-robot")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	_, stopped := vaultDown.Read(cancelled, "apps/a/b/ci/quay-robot")
	stranger := httptest.NewUnstartedServer(http.NotFoundHandler())
	stranger.Config.ErrorLog = log.New(io.Discard, "", 0)
	stranger.StartTLS()
	t.Cleanup(stranger.Close)
	quayStranger, err := quay.New(quay.Options{URL: stranger.URL, Pause: 1})
	if err != nil {
		t.Fatal(err)
	}
	_, untrustedQuay := quayStranger.Config(t.Context())
	t.Setenv("VAULT_ADDR", stranger.URL)
	vaultStranger, err := vault.New(vault.Options{Token: secret.New("T"), Mount: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	_, untrustedVault := vaultStranger.Read(t.Context(), "apps/a/b/ci/quay-robot")
	_, untrustedCluster := http.Get(stranger.URL)
	for name, test := range map[string]struct {
		err  error
		next string
	}{
		"a stranger as Quay":      {untrustedQuay, "with --quay-ca-file"},
		"a stranger as Vault":     {untrustedVault, "with VAULT_CACERT or --vault-ca-file"},
		"a stranger as cluster":   {untrustedCluster, "in the kubeconfig"},
		"Quay refuses a request":  {&quay.Error{Status: 400, Path: "/api/v1/organization/x"}, ""},
		"Vault redirects":         {fmt.Errorf("x: %w", vault.ErrRedirect), "the active node"},
		"Vault is sealed":         {fmt.Errorf("x: %w", vault.ErrSealed), "unseal Vault"},
		"Quay limits":             {&quay.Error{Status: 429, Path: "/api/v1/organization/x"}, "wait a minute"},
		"a busy API server":       {apierrs.NewTooManyRequests("x", 1), "when the API server is well"},
		"the time was up":         {fmt.Errorf("x: %w", context.DeadlineExceeded), "give it longer with --timeout"},
		"no Quay":                 {noQuay, "--quay-url"},
		"a wrong OAuth token":     {&quay.Error{Status: 401, Path: "/api/v1/organization/x"}, "another OAuth token"},
		"a wrong robot's token":   {&quay.Error{Status: 401, Path: quay.TokenPath}, ""},
		"an OAuth token too weak": {&quay.Error{Status: 403, Message: "Unauthorized"}, "an owner of the organization"},
		"no Vault":                {noVault, "VAULT_ADDR"},
		"a weak Vault token":      {fmt.Errorf("x: %w", vault.ErrDenied), "has the policy"},
		"no cluster":              {fmt.Errorf("x: %w", dial), "kubectl version"},
		"a stale login":           {apierrs.NewUnauthorized("x"), "log in"},
		"a missing right":         {fmt.Errorf("x: %w", apierrs.NewForbidden(things, "y", errors.New("no"))), "get the right"},
		"what nobody knows":       {errors.New("x"), ""},
		"a stop":                  {stopped, ""},
	} {
		got := nextOf(test.err)
		if (got == "") != (test.next == "") || !strings.Contains(got, test.next) {
			t.Errorf("%s: after %v the next step is %q, want %q", name, test.err, got, test.next)
		}
	}
	if exit := exitOf(cancelled, stopped); exit != ExitCancelled {
		t.Errorf("stopped while Vault was asked: exit %d", exit)
	}
}
