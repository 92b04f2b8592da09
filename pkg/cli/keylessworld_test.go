package cli_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	"github.com/comptech-lab/quay-push/internal/oidctest"
	"github.com/comptech-lab/quay-push/pkg/config"
)

// custody is the namespace of that name in newCustody.
const custody = "custody"

var serviceAccounts = corev1.SchemeGroupVersion.WithResource("serviceaccounts")

// newCustody is newWorld with custody, and with an issuer that Quay can ask, of which the API server makes tokens.
func newCustody(t testing.TB) *world {
	t.Helper()
	w := newWorld(t)
	w.issuer, w.instead = oidctest.Start(t), map[string]string{}
	w.quay.TrustIssuers(w.issuer.Authorities())
	w.configure(map[string]string{"registry": w.quay.Host(), "custody-namespace": custody})
	w.kube.PrependReactor("create", "serviceaccounts", w.token)
	w.kube.PrependReactor("patch", "serviceaccounts", w.dryRun)
	return w
}

// dryRun changes nothing, which the fake knows nothing of.
func (w *world) dryRun(action clienttesting.Action) (bool, runtime.Object, error) {
	patch := action.(clienttesting.PatchActionImpl)
	if len(patch.PatchOptions.DryRun) == 0 {
		return false, nil, nil
	}
	found, err := w.kube.Tracker().Get(serviceAccounts, patch.Namespace, patch.Name)
	return true, found, err
}

// configure writes ConfigMap config-tenancy.
func (w *world) configure(data map[string]string) {
	w.Helper()
	err := w.kube.Tracker().Update(corev1.SchemeGroupVersion.WithResource("configmaps"),
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: config.Namespace, Name: config.Name}, Data: data}, config.Namespace)
	if err != nil {
		w.Fatal(err)
	}
}

// document is one of the API server's.
func (w *world) document(ctx context.Context, path string) ([]byte, error) {
	if text, ok := w.instead[path]; ok {
		if text == "" {
			return nil, apierrs.NewForbidden(corev1.Resource("none"), "", fmt.Errorf("forbidden: User \"jane\" cannot get path %q", path))
		}
		return []byte(text), nil
	}
	if path == "/openid/v1/jwks" {
		path = oidctest.KeysPath
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: w.issuer.Authorities()}}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, w.issuer.URL()+path, nil)
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return io.ReadAll(response.Body)
}

// token is the API server's answer to a TokenRequest.
func (w *world) token(action clienttesting.Action) (bool, runtime.Object, error) {
	create, ok := action.(clienttesting.CreateActionImpl)
	if !ok || action.GetSubresource() != "token" {
		return false, nil, nil
	}
	request := create.GetObject().(*authenticationv1.TokenRequest).DeepCopy()
	if _, err := w.kube.Tracker().Get(serviceAccounts, action.GetNamespace(), create.Name); err != nil {
		return true, nil, err
	}
	w.audiences = request.Spec.Audiences
	claims, now := w.issuer.Claims("system:serviceaccount:"+action.GetNamespace()+":"+create.Name), w.quay.Now()
	claims["iat"], claims["nbf"], claims["exp"] = now.Unix(), now.Unix(), now.Add(10*time.Minute).Unix()
	request.Status.Token = oidctest.Sign(oidctest.RS256, claims)
	w.mu.Lock()
	w.tokens = append(w.tokens, request.Status.Token)
	w.mu.Unlock()
	return true, request, nil
}

// putAccount has a ServiceAccount that was applied in the typed store too, where it is read.
func (w *world) putAccount(object *unstructured.Unstructured) {
	account := &corev1.ServiceAccount{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, account); err != nil {
		w.Error(err)
		return
	}
	// The API server leaves alone what another than the applier set.
	if before, err := w.kube.Tracker().Get(serviceAccounts, account.Namespace, account.Name); err == nil {
		for name, text := range before.(*corev1.ServiceAccount).Annotations {
			if _, applied := account.Annotations[name]; !applied {
				account.Annotations[name] = text
			}
		}
	}
	if w.kube.Tracker().Create(serviceAccounts, account, account.Namespace) != nil {
		if err := w.kube.Tracker().Update(serviceAccounts, account, account.Namespace); err != nil {
			w.Error(err)
		}
	}
}

func (w *world) deleteAccount(action clienttesting.Action) (bool, runtime.Object, error) {
	return false, nil, w.kube.Tracker().Delete(serviceAccounts, action.GetNamespace(), action.(clienttesting.DeleteAction).GetName())
}

// account is the ServiceAccount of team payments.
func (w *world) account() *corev1.ServiceAccount {
	w.Helper()
	found, err := w.kube.CoreV1().ServiceAccounts(custody).Get(w.Context(), "quay-robot-team-payments", metav1.GetOptions{})
	if err != nil {
		w.Fatal(err)
	}
	return found
}

// onboardKeyless is the command line that makes team payments keyless.
func onboardKeyless(more ...string) []string {
	return append([]string{"onboard", "payments", "--division", "retail", "--app", "checkout", "--namespace", "apps-payments", "--keyless"}, more...)
}
