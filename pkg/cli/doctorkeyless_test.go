package cli_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/internal/oidctest"
)

// What keyless teams depend on is looked at: the cluster's documents, what is published of them, and whether a Pod is a team.
func TestDoctorLooksAtKeyless(t *testing.T) {
	answer := func(w *world, path, text string) {
		w.issuer.Answer(path, func(rw http.ResponseWriter, _ *http.Request) { fmt.Fprint(rw, text) })
	}
	for name, test := range map[string]struct {
		spoil func(w *world)
		want  map[string]string
	}{
		"all is well": {func(*world) {}, map[string]string{
			"tenants":          "ok teams with an ExternalSecret: 0, keyless teams: 1; ",
			"issuer":           `ok issuer "ISSUER" has an RSA key that Quay takes; `,
			"issuer-published": `ok both documents of issuer "ISSUER" are published, with the keys that the API server has; `,
			"keyless-accounts": `ok no Pod in namespace "custody" is the ServiceAccount of a keyless team; Quay looks at no audience, so that any token of one is good for a push; `}},
		"elliptic keys": {func(w *world) { w.instead["/openid/v1/jwks"] = `{"keys":[{"kty":"EC","kid":"e"}]}` }, map[string]string{
			"issuer":           `failed issuer "ISSUER" has no RSA key with a name, and Quay takes RS256 and RS384 alone: it has "e" (EC); let the issuer sign`,
			"issuer-published": "unknown see issuer; "}},
		"inside the cluster": {func(w *world) {
			w.instead["/.well-known/openid-configuration"] = `{"issuer":"https://kubernetes.default.svc","jwks_uri":"https://kubernetes.default.svc/openid/v1/jwks"}`
		}, map[string]string{
			"issuer":           `warning issuer "https://kubernetes.default.svc" is at a name of this cluster: only a Quay that runs in it can ask it; if Quay runs elsewhere: publish`,
			"issuer-published": "unknown reading a document of the issuer: "}},
		"no right": {func(w *world) { w.instead["/.well-known/openid-configuration"] = "" }, map[string]string{
			"issuer": "unknown reading /.well-known/openid-configuration of the API server", "issuer-published": "unknown reading /.well-known/openid-configuration of the API server"}},
		"another name is published": {func(w *world) {
			w.instead["/.well-known/openid-configuration"] = `{"issuer":"` + w.issuer.URL() + `","jwks_uri":"x"}`
			answer(w, oidctest.DiscoveryPath, `{"issuer":"`+w.issuer.URL()+`/","jwks_uri":"`+w.issuer.URL()+oidctest.KeysPath+`"}`)
		}, map[string]string{"issuer-published": `failed the document of issuer "ISSUER" names issuer "ISSUER/"; let both name the same issuer`}},
		"other keys are published": {func(w *world) {
			keys, err := w.document(t.Context(), "/openid/v1/jwks")
			if err != nil {
				t.Fatal(err)
			}
			w.instead["/openid/v1/jwks"] = string(keys)
			answer(w, oidctest.KeysPath, `{"keys":[]}`)
		}, map[string]string{"issuer-published": "failed keys of the API server are not published: rsa-1; publish the keys of /openid/v1/jwks again"}},
		"nothing is published": {func(w *world) {
			w.instead["/.well-known/openid-configuration"] = `{"issuer":"` + w.issuer.URL() + `/none","jwks_uri":"x"}`
		}, map[string]string{"issuer-published": `unknown reading "ISSUER/none/.well-known/openid-configuration": 404 Not Found; see from Quay's own host`}},
		"a Pod": {func(w *world) {
			for name, account := range map[string]string{"thief": "quay-robot-team-payments", "other": "default"} {
				pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: custody, Name: name}, Spec: corev1.PodSpec{ServiceAccountName: account}}
				if err := w.kube.Tracker().Add(pod); err != nil {
					t.Fatal(err)
				}
			}
		}, map[string]string{"keyless-accounts": `failed Pods in namespace "custody" are ServiceAccounts of keyless teams: thief; Quay looks at no audience`}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newCustody(t)
			w.must(onboardKeyless("--apply")...)
			test.spoil(w)
			ca, err := os.ReadFile(w.quay.CAFile())
			if err != nil {
				t.Fatal(err)
			}
			_, found := w.doctor("--quay-ca-file", w.file(string(w.issuer.CA())+string(ca)))
			for id, want := range test.want {
				if want = strings.ReplaceAll(want, "ISSUER", w.issuer.URL()); !strings.HasPrefix(found[id], want) {
					t.Errorf("%s: %s, want %s", id, found[id], want)
				}
			}
		})
	}
}

// Without a keyless team nothing is asked.
func TestDoctorWithoutKeyless(t *testing.T) {
	w := newCustody(t)
	asked := len(w.issuer.Requests())
	_, found := w.doctor()
	for _, id := range []string{"issuer", "issuer-published", "keyless-accounts"} {
		if found[id] != "ok no team is keyless; " {
			t.Errorf("%s: %s", id, found[id])
		}
	}
	if len(w.issuer.Requests()) != asked {
		t.Errorf("requests are %q", w.issuer.Requests())
	}
}
