package cli_test

import (
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	"github.com/comptech-lab/quay-push/internal/receipttest"
)

// doctor says what would keep a receipt from being written: no Secret, one without a key, or a controller that may not read it. Nothing of
// the key is printed.
func TestDoctorLooksAtTheReceiptKey(t *testing.T) {
	_, key, _ := receipttest.NewKey(t)
	deny := func(w *world, verb, resource string) {
		w.kube.PrependReactor(verb, resource, func(a clienttesting.Action) (bool, runtime.Object, error) {
			switch a := a.(type) {
			case clienttesting.CreateAction:
				review := a.GetObject().(*authorizationv1.SubjectAccessReview)
				return review.Spec.ResourceAttributes.Name == "receipt-key", review, nil
			case clienttesting.GetAction:
				return a.GetName() == "receipt-key", nil, apierrs.NewForbidden(corev1.Resource("secrets"), a.GetName(), nil)
			}
			return false, nil, nil
		})
	}
	for name, test := range map[string]struct {
		setting string
		data    []byte
		spoil   func(w *world)
		want    string
	}{
		"none is set":          {want: "ok no receipts are written: config-tenancy has no receipt-key"},
		"in Vault":             {setting: "vault:transit/receipts", want: "unknown the key transit/receipts is in Vault"},
		"there":                {setting: "secret:receipt-key", data: key, want: `ok Secret "quay-push/receipt-key" has a key that signs receipts, and the controller can get it`},
		"not there":            {setting: "secret:receipt-key", want: `failed no key for receipts: namespace "quay-push" has no Secret "receipt-key", which receipt-key in config-tenancy names; make it anew, see docs/receipts.md`},
		"no key":               {setting: "secret:receipt-key", data: []byte("hello"), want: `failed reading receipt.key of Secret "receipt-key": no key for receipts: it is not PEM; make it anew`},
		"the controller lacks": {setting: "secret:receipt-key", data: key, spoil: func(w *world) { deny(w, "create", "subjectaccessreviews") }, want: `failed the controller cannot get Secret "quay-push/receipt-key": pushes fail as ReceiptNotWritten; name the Secret in the Role controller there`},
		"I lack":               {setting: "secret:receipt-key", data: key, spoil: func(w *world) { deny(w, "get", "secrets") }, want: `unknown the controller can get Secret "quay-push/receipt-key", and you cannot`},
	} {
		w := newWorld(t)
		w.install()
		settings := map[string]string{"registry": w.quay.Host()}
		if test.setting != "" {
			settings["receipt-key"], settings["receipt-vault"], settings["receipt-vault-login"] = test.setting, "https://vault.example.com", "kubernetes/x"
		}
		w.configure(settings)
		if test.data != nil {
			held := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "quay-push", Name: "receipt-key"}, Data: map[string][]byte{"receipt.key": test.data}}
			if err := w.kube.Tracker().Add(held); err != nil {
				t.Fatal(err)
			}
		}
		if test.spoil != nil {
			test.spoil(w)
		}
		found, byID := w.doctor()
		if !strings.HasPrefix(byID["receipt-key"], test.want) {
			t.Errorf("%s: %s\nwant %s", name, byID["receipt-key"], test.want)
		}
		for _, l := range found.Looks {
			if strings.Contains(l.Detail+l.Next, strings.Split(string(key), "\n")[1]) {
				t.Errorf("%s: %s has the key", name, l.ID)
			}
		}
	}
}
