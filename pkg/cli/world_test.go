package cli_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	faketekton "github.com/tektoncd/pipeline/pkg/client/clientset/versioned/fake"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	fakedynamic "k8s.io/client-go/dynamic/fake"
	fakekube "k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/comptech-lab/quay-push/internal/oidctest"
	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/cli"
	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/externalsecret"
	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// shared is the namespace of the default convention where Secrets and runs are.
const shared = "openshift-pipelines"

// world is everything around the program: a Quay, a Vault in memory, and an API server that is an object store with the part
// of External Secrets played by sync. What is claimed about Vault and the cluster themselves is shown in e2e.
type world struct {
	testing.TB
	quay    *quaytest.Quay
	kube    *fakekube.Clientset
	tekton  *faketekton.Clientset
	dynamic *fakedynamic.FakeDynamicClient
	oauth   string

	mu       sync.Mutex
	versions map[string][]*vault.Secret
	// asleep says that External Secrets does nothing.
	asleep bool
	// denied says that the role of External Secrets may read nothing, as with a policy with * for +.
	denied bool
	// tokens are all that ever were in Vault.
	tokens []string
	// env is what the environment has besides the tokens, login the token of vault login, terminal whether somebody can be asked.
	env      map[string]string
	login    string
	terminal bool
	// mount is what Vault tells of it, refused its answer to everything; nil if it answers.
	mount   vault.Mount
	refused error
	// vaultAddress is that of what answers in place of the Vault in memory; empty: nothing does.
	vaultAddress string
	// realVault is a real one that takes the place of that in memory; nil: none does.
	realVault func() cli.Vault
	// namespace is that of the context.
	namespace string
	// clusters are those of other contexts than east, which is this one's; with the same Quay and Vault.
	clusters map[string]*world
	// storeLogin is what Vault answers when a SecretStore logs in, audiences are those of the last token that one asked for.
	storeLogin error
	audiences  []string
	// issuer has the documents of the API server, and makes its tokens; instead are other documents by their paths.
	issuer  *oidctest.Issuer
	instead map[string]string
}

// vaultToken is the token for Vault, which takes any.
const vaultToken = "hvs.THISISAVAULTTOKEN"

var (
	secretStores = schema.GroupVersionResource{Group: "external-secrets.io", Version: "v1", Resource: "secretstores"}
	namespaces   = corev1.SchemeGroupVersion.WithResource("namespaces")
	definitions  = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
)

// newWorld has Quay with the organizations of teams payments and platform, a repository each, and a cluster with the shared
// namespace.
func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{TB: t, quay: quaytest.Start(t), versions: map[string][]*vault.Secret{}, mount: vault.Mount{Name: "secret", Engine: vault.Engine2}, env: map[string]string{}}
	for _, team := range []string{"payments", "platform"} {
		w.quay.AddOrganization("team-" + team)
		w.quay.AddRepository("team-"+team, "app")
	}
	// What docs/cli.md names, and no more.
	w.oauth = w.quay.AddOAuthToken([]quaytest.Scope{quaytest.OrgAdmin, quaytest.RepoAdmin})
	w.kube = fakekube.NewClientset(
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: shared, Labels: map[string]string{
			"kubernetes.io/metadata.name": shared, "quay.comptech-lab.com/guarded": "true", "pod-security.kubernetes.io/enforce": "baseline"}}},
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "quay-push"}},
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "quay-push", Name: config.Name}, Data: map[string]string{"registry": w.quay.Host()}})
	w.kube.PrependReactor("create", "subjectaccessreviews", allow)
	w.tekton = faketekton.NewSimpleClientset()
	w.dynamic = fakedynamic.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), map[schema.GroupVersionResource]string{
		externalsecret.Resource: "ExternalSecretList", secretStores: "SecretStoreList", definitions: "CustomResourceDefinitionList",
		rbacv1.SchemeGroupVersion.WithResource("roles"): "RoleList", rbacv1.SchemeGroupVersion.WithResource("rolebindings"): "RoleBindingList",
		corev1.SchemeGroupVersion.WithResource("resourcequotas"): "ResourceQuotaList"})
	w.dynamic.PrependReactor("patch", "*", w.patch)
	w.dynamic.PrependReactor("delete", "externalsecrets", w.collect)
	w.dynamic.PrependReactor("delete", "serviceaccounts", w.deleteAccount)
	return w
}

// allow answers that whoever is asked about may do what is asked: the controller has its right to every Secret.
func allow(action clienttesting.Action) (bool, runtime.Object, error) {
	review := action.(clienttesting.CreateAction).GetObject().(*authorizationv1.SubjectAccessReview)
	review.Status.Allowed = true
	return true, review, nil
}

// shell is the tool as a shell runs it. It is made once: while kustomize renders, os.Stderr is another.
var shell = *cli.New()

// program is the tool in this world.
func (w *world) program() *cli.Program {
	program := shell
	p := &program
	p.Now, p.Poll, p.Tick, p.Rate = w.quay.Now, time.Millisecond, time.Hour, 5000
	p.Transport = w.quay.Client().Transport.(*http.Transport)
	p.Cluster = func(name string) (cli.Clients, error) {
		at := w
		if name != "" && name != "east" {
			if at = w.clusters[name]; at == nil {
				return cli.Clients{}, fmt.Errorf("dial tcp: lookup api.%s.example.com: no such host", name)
			}
		}
		return cli.Clients{Kube: at.kube, Tekton: at.tekton, Dynamic: at.dynamic, Namespace: at.namespace, Document: at.document, Log: at.log, Context: "east"}, nil
	}
	p.Vault = func(mount string) (cli.Vault, error) {
		if mount != "secret" {
			return nil, fmt.Errorf("mount is %q", mount)
		}
		if w.realVault != nil {
			return w.realVault(), nil
		}
		if w.vaultAddress != "" {
			return vault.New(vault.Options{Address: w.vaultAddress, Token: secret.New(vaultToken), Mount: mount})
		}
		return &memoryVault{w: w}, nil
	}
	p.VaultLogin, p.Terminal = func() (secret.Value, error) { return secret.New(w.login), nil }, func() bool { return w.terminal }
	p.Getenv = func(name string) string {
		if value, ok := w.env[name]; ok {
			return value
		}
		return map[string]string{"QUAY_TOKEN": w.oauth, "VAULT_TOKEN": vaultToken}[name]
	}
	return p
}

// run runs the tool and fails the test if it prints a secret.
func (w *world) run(ctx context.Context, in string, args ...string) (exit cli.Exit, stdout, stderr string) {
	w.Helper()
	var out, err strings.Builder
	p := w.program()
	p.In, p.Out, p.Err = strings.NewReader(in), &out, &err
	exit = p.Run(ctx, args)
	w.keepsSecrets(out.String() + err.String())
	return exit, out.String(), err.String()
}

// keepsSecrets fails the test if a text has a secret in it.
func (w *world) keepsSecrets(text string) {
	w.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, token := range append(w.tokens, w.oauth, vaultToken) {
		for _, team := range []string{"payments", "platform"} {
			for _, robot := range []string{"ci", "ci-2", "ci-3", "ci-b"} {
				auth := base64.StdEncoding.EncodeToString([]byte("team-" + team + "+" + robot + ":" + token))
				if strings.Contains(text, auth) {
					w.Errorf("a credential is in the output")
				}
			}
		}
		if strings.Contains(text, token) {
			w.Errorf("a token is in the output")
		}
	}
}

// must runs the tool and fails the test unless it succeeds.
func (w *world) must(args ...string) (stdout string) {
	w.Helper()
	exit, stdout, stderr := w.run(w.Context(), "", args...)
	if exit != cli.ExitOK {
		w.Fatalf("tkn quay %q: exit %d\n%s", args, exit, stderr)
	}
	return stdout
}

// onboard onboards a team whose only app is app.
func (w *world) onboard(team string) {
	w.Helper()
	w.must("onboard", "team-"+team, "--division", team, "--app", "app", "--apply")
	w.sync()
}

// patch is the API server's answer to apply, which the object store does not know; and it wakes External Secrets.
func (w *world) patch(action clienttesting.Action) (bool, runtime.Object, error) {
	patch := action.(clienttesting.PatchActionImpl)
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(patch.GetPatch()); err != nil && patch.GetPatchType() == "application/apply-patch+yaml" {
		return true, nil, err
	}
	switch action.GetResource() {
	case externalsecret.Resource:
		defer w.syncNamed(action.GetNamespace(), patch.GetName())
	case namespaces:
		defer w.label(object)
	case serviceAccounts:
		defer w.putAccount(object)
	}
	if patch.GetPatchType() != "application/apply-patch+yaml" {
		return false, nil, nil
	}
	tracker := w.dynamic.Tracker()
	if err := tracker.Create(action.GetResource(), object, action.GetNamespace()); err == nil {
		return true, object, nil
	}
	return true, object, tracker.Update(action.GetResource(), object, action.GetNamespace())
}

// label has a namespace that was applied in the typed store too, where all others are.
func (w *world) label(object *unstructured.Unstructured) {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: object.GetName(), Labels: object.GetLabels()}}
	if w.kube.Tracker().Create(namespaces, namespace, "") != nil {
		if err := w.kube.Tracker().Update(namespaces, namespace, ""); err != nil {
			w.Error(err)
		}
	}
}

// collect does what the garbage collector does: the Secret goes with its ExternalSecret.
func (w *world) collect(action clienttesting.Action) (bool, runtime.Object, error) {
	name := action.(clienttesting.DeleteAction).GetName()
	return false, nil, w.kube.Tracker().Delete(corev1.SchemeGroupVersion.WithResource("secrets"), action.GetNamespace(), name)
}

// sync does what External Secrets does: each Secret gets what Vault has.
func (w *world) sync() {
	w.mu.Lock()
	defer w.mu.Unlock()
	list, err := w.dynamic.Tracker().List(externalsecret.Resource, externalsecret.Resource.GroupVersion().WithKind("ExternalSecret"), "")
	if err != nil {
		w.Error(err)
		return
	}
	for _, object := range list.(*unstructured.UnstructuredList).Items {
		w.syncOne(object.DeepCopy())
	}
}

// syncNamed does it for one ExternalSecret.
func (w *world) syncNamed(namespace, name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if object, err := w.dynamic.Tracker().Get(externalsecret.Resource, namespace, name); err == nil {
		w.syncOne(object.(*unstructured.Unstructured).DeepCopy())
	}
}

// syncOne renders one Secret; the caller holds mu.
func (w *world) syncOne(object *unstructured.Unstructured) {
	items, found, _ := unstructured.NestedSlice(object.Object, "spec", "dataFrom")
	if !found {
		return // It is no robot's.
	}
	path, _, _ := unstructured.NestedString(items[0].(map[string]any), "extract", "key")
	all := w.versions[path]
	if w.asleep || len(all) == 0 || all[len(all)-1] == nil {
		return
	}
	data := all[len(all)-1].Data
	host, _, _ := unstructured.NestedString(object.Object, "metadata", "annotations", "test-host")
	if host == "" {
		host = w.quay.Host()
	}
	auth := base64.StdEncoding.EncodeToString([]byte(data["username"].Reveal() + ":" + data["token"].Reveal()))
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: object.GetNamespace(), Name: object.GetName()}, Type: corev1.SecretTypeDockerConfigJson,
		Data: map[string][]byte{corev1.DockerConfigJsonKey: []byte(`{"auths":{"` + host + `":{"auth":"` + auth + `"}}}`)}}
	secrets := corev1.SchemeGroupVersion.WithResource("secrets")
	if w.kube.Tracker().Create(secrets, secret, secret.Namespace) != nil {
		if err := w.kube.Tracker().Update(secrets, secret, secret.Namespace); err != nil {
			w.Error(err)
		}
	}
	w.setReady(object, "True", "SecretSynced", "secret synced")
}

// setReady writes the status of an ExternalSecret.
func (w *world) setReady(object *unstructured.Unstructured, status, reason, message string) {
	object.Object["status"] = map[string]any{"refreshTime": w.quay.Now().UTC().Format(time.RFC3339),
		"conditions": []any{map[string]any{"type": "Ready", "status": status, "reason": reason, "message": message}}}
	if err := w.dynamic.Tracker().Update(externalsecret.Resource, object, object.GetNamespace()); err != nil {
		w.Error(err)
	}
}

// externalSecret returns a team's ExternalSecret.
func (w *world) externalSecret(team string) *unstructured.Unstructured {
	w.Helper()
	object, err := w.dynamic.Resource(externalsecret.Resource).Namespace(shared).Get(w.Context(), "quay-robot-team-"+team, metav1.GetOptions{})
	if err != nil {
		w.Fatal(err)
	}
	return object
}

// memoryVault is KV v2 in memory.
type memoryVault struct {
	w *world
	// role is who is logged in; empty for the token.
	role string
}

// LoginKubernetes takes any token of a ServiceAccount, for any role but one.
func (v *memoryVault) LoginKubernetes(_ context.Context, mount, role string, token func() (secret.Value, error)) error {
	if _, err := token(); err != nil {
		return err
	}
	if mount != "kubernetes" || role == "" {
		return fmt.Errorf("mount is %q, role %q", mount, role)
	}
	if v.w.storeLogin != nil {
		return v.w.storeLogin
	}
	if role == "refused" {
		return fmt.Errorf("logging in: %w", vault.ErrDenied)
	}
	v.role = role
	return nil
}

// Capabilities are all for the token, and read for a role.
func (v *memoryVault) Capabilities(context.Context, string, string) ([]string, error) {
	switch {
	case v.role == "":
		return []string{"create", "read", "update"}, nil
	case v.w.denied:
		return []string{"deny"}, nil
	}
	return []string{"read"}, nil
}

func (v *memoryVault) Read(ctx context.Context, path string) (vault.Secret, error) {
	return v.ReadVersion(ctx, path, 0)
}

func (v *memoryVault) ReadVersion(_ context.Context, path string, version int) (vault.Secret, error) {
	if v.w.refused != nil {
		return vault.Secret{}, v.w.refused
	}
	v.w.mu.Lock()
	defer v.w.mu.Unlock()
	all := v.w.versions[path]
	if version == 0 {
		version = len(all)
	}
	if version < 1 || version > len(all) || all[version-1] == nil {
		return vault.Secret{}, vault.ErrNotFound
	}
	secret := *all[version-1]
	secret.Data = maps.Clone(secret.Data)
	return secret, nil
}

func (v *memoryVault) Write(_ context.Context, path string, data vault.Data, current int) (int, error) {
	now := v.w.quay.Now()
	v.w.mu.Lock()
	defer v.w.mu.Unlock()
	if current != len(v.w.versions[path]) {
		return 0, vault.ErrConflict
	}
	v.w.tokens = append(v.w.tokens, data["token"].Reveal())
	v.w.versions[path] = append(v.w.versions[path], &vault.Secret{Data: maps.Clone(data), Version: current + 1, Created: now})
	return current + 1, nil
}

func (v *memoryVault) Metadata(_ context.Context, path string) (vault.Metadata, error) {
	if v.w.refused != nil {
		return vault.Metadata{}, v.w.refused
	}
	v.w.mu.Lock()
	defer v.w.mu.Unlock()
	m := vault.Metadata{Current: len(v.w.versions[path])}
	for i, secret := range v.w.versions[path] {
		if secret != nil {
			m.Live, m.Written = append(m.Live, i+1), secret.Created
		}
	}
	return m, nil
}

func (v *memoryVault) Mount(context.Context) (vault.Mount, error) {
	return v.w.mount, v.w.refused
}

func (v *memoryVault) Destroy(_ context.Context, path string, versions []int) error {
	v.w.mu.Lock()
	defer v.w.mu.Unlock()
	for _, n := range versions {
		v.w.versions[path][n-1] = nil
	}
	return nil
}

func (v *memoryVault) Delete(_ context.Context, path string) error {
	v.w.mu.Lock()
	defer v.w.mu.Unlock()
	delete(v.w.versions, path)
	return nil
}
