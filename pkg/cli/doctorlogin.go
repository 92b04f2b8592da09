package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/comptech-lab/quay-push/pkg/onboard"
	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// secretStores are what External Secrets reads Vault through.
var secretStores = schema.GroupVersionResource{Group: "external-secrets.io", Version: "v1", Resource: "secretstores"}

// storeLogin is how a SecretStore logs in to Vault.
type storeLogin struct {
	namespace, store string
	// account is the ServiceAccount, audiences are those of its token, which is good for ten minutes.
	account   string
	audiences []string
	token     secret.Value
	// mount is that of the auth method in Vault, role the one to log in as.
	mount, role string
}

// storeLogin makes the token with which the SecretStore in namespace logs in.
func (d *doctor) storeLogin(ctx context.Context, namespace string) (storeLogin, error) {
	l := storeLogin{namespace: namespace, store: d.config.SecretStore}
	store, err := d.clients.Dynamic.Resource(secretStores).Namespace(namespace).Get(ctx, l.store, metav1.GetOptions{})
	if apierrs.IsNotFound(err) {
		return l, &failure{problem: fmt.Sprintf("there is no SecretStore %q", namespace+"/"+l.store), next: "apply what tkn quay onboard platform prints"}
	} else if err != nil {
		return l, fmt.Errorf("reading SecretStore %q: %w", namespace+"/"+l.store, err)
	}
	auth := []string{"spec", "provider", "vault", "auth", "kubernetes"}
	field := func(names ...string) string {
		text, _, _ := unstructured.NestedString(store.Object, append(auth, names...)...)
		return text
	}
	l.account, l.mount, l.role = field("serviceAccountRef", "name"), cmp.Or(field("mountPath"), onboard.AuthMount), field("role")
	l.audiences, _, _ = unstructured.NestedStringSlice(store.Object, append(auth, "serviceAccountRef", "audiences")...)
	if l.account == "" {
		return l, fmt.Errorf("SecretStore %q does not log in with a ServiceAccount, which is the only way that doctor can try", namespace+"/"+l.store)
	}
	lifetime := int64(600)
	token, err := d.clients.Kube.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, l.account,
		&authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: l.audiences, ExpirationSeconds: &lifetime}}, metav1.CreateOptions{})
	if apierrs.IsNotFound(err) {
		return l, &failure{ExitMissing, fmt.Sprintf("there is no ServiceAccount %q, by which SecretStore %q logs in", namespace+"/"+l.account, l.store),
			fmt.Sprintf("kubectl create serviceaccount %s --namespace %s", l.account, namespace)}
	} else if err != nil {
		return l, fmt.Errorf("asking for a token of ServiceAccount %q: %w", namespace+"/"+l.account, err)
	}
	l.token = secret.New(token.Status.Token)
	if l.token.IsZero() {
		return l, errors.New("the API server gave no token of the ServiceAccount")
	}
	return l, nil
}

// next is the next step after Vault refused the login. Vault tells the causes apart by words alone
// (hashicorp/vault-plugin-auth-kubernetes, path_login.go).
func (l storeLogin) next(err error) string {
	role := fmt.Sprintf("auth/%s/role/%s", l.mount, l.role)
	text := err.Error()
	switch {
	case vault.Next(err) != "":
		return vault.Next(err)
	case strings.Contains(text, "audience"):
		return fmt.Sprintf("have the two agree: audience in vault read %s, and serviceAccountRef.audiences of SecretStore %s/%s, which is %s", role, l.namespace, l.store, orNone(strings.Join(l.audiences, ", ")))
	case strings.Contains(text, "invalid role"):
		return fmt.Sprintf("write %s in Vault as tkn quay onboard platform prints it", role)
	case strings.Contains(text, "namespace not authorized"):
		return fmt.Sprintf("add namespace %s to bound_service_account_namespaces of %s, as tkn quay onboard platform prints it", l.namespace, role)
	case strings.Contains(text, "service account name not authorized"):
		return fmt.Sprintf("add %s to bound_service_account_names of %s, as tkn quay onboard platform prints it", l.account, role)
	}
	return fmt.Sprintf("compare vault read %s with what tkn quay onboard platform prints: ServiceAccount %s, namespace %s, audience", role, l.account, l.namespace)
}
