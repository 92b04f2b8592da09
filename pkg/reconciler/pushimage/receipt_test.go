package pushimage

import (
	"crypto/ecdsa"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/clock"
	"knative.dev/pkg/controller"
	"knative.dev/pkg/injection"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/internal/receipttest"
	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/receipt"
	"github.com/comptech-lab/quay-push/pkg/reconciler/reconcilertest"
	"github.com/comptech-lab/quay-push/pkg/reconciler/signing"
)

// notary is a registry of which the platform wants receipts, and the key that they are signed with.
type notary struct {
	*registry
	private []byte
	public  []*ecdsa.PublicKey
}

func newNotary(t *testing.T) *notary {
	t.Helper()
	key, private, _ := receipttest.NewKey(t)
	return &notary{newRegistry(t), private, []*ecdsa.PublicKey{key.Public()}}
}

// on are the settings with which receipts are written.
func on(more map[string]string) map[string]string {
	all := map[string]string{"verify-results": "false", "receipt-key": "secret:receipt-key"}
	for key, value := range more {
		all[key] = value
	}
	return all
}

// secret is the one that has the key.
func (n *notary) secret() *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: config.Namespace, Name: "receipt-key"}, Data: map[string][]byte{signing.SecretKey: n.private}}
}

// pushed returns a world in which the image has been pushed to v1, and the TaskRun ended so.
func (n *notary) pushed() *reconcilertest.World {
	n.t.Helper()
	w := n.world(ns, on(nil))
	w.Add(n.secret())
	n.push("v1")
	n.finish(w, "v1")
	return w
}

// receipts are those of the image that are valid.
func (n *notary) receipts() (all []receipt.Statement, digests []string) {
	n.t.Helper()
	subject := n.repository()
	store := receipt.Store{Repository: subject, Options: []remote.Option{remote.WithTransport(n.Client().Transport),
		remote.WithAuth(&authn.Basic{Username: "team-payments+ci", Password: n.token})}}
	ref, err := referrers(n, store)
	if err != nil {
		n.t.Fatal(err)
	}
	for _, uid := range ref {
		want := receipt.Expectation{Repository: subject, Digest: n.digest, Team: "payments"}
		digest, err := store.Of(n.t.Context(), uid, n.public, want)
		if err != nil {
			n.t.Fatal(err)
		}
		s, _, err := store.Find(n.t.Context(), n.public, want)
		if err != nil {
			n.t.Fatal(err)
		}
		all, digests = append(all, s), append(digests, digest)
	}
	return all, digests
}

// referrers are the UIDs of the runs of which the registry lists a receipt, as often as it does.
func referrers(n *notary, store receipt.Store) (uids []string, err error) {
	subject, err := name.NewDigest(n.repository() + "@" + n.digest)
	if err != nil {
		return nil, err
	}
	index, err := remote.Referrers(subject, store.Options...)
	if err != nil {
		return nil, err
	}
	m, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	for _, d := range m.Manifests {
		uids = append(uids, d.Annotations["quay.comptech-lab.com/run-uid"])
	}
	return uids, nil
}

func result(w *reconcilertest.World, name string) string {
	for _, r := range w.CustomRun(ns, run).Status.Results {
		if r.Name == name {
			return r.Value
		}
	}
	return ""
}

// The whole receipt: what it says is what the controller decided, and the run's result leads to it.
func TestReceipt(t *testing.T) {
	n := newNotary(t)
	w := n.pushed()
	reconcile(t, w)
	wantEnd(t, w, corev1.ConditionTrue, "Succeeded")
	all, digests := n.receipts()
	if len(all) != 1 || result(w, v1alpha1.ResultReceipt) != digests[0] {
		t.Fatalf("%d receipts %v, the result is %q", len(all), digests, result(w, v1alpha1.ResultReceipt))
	}
	made := w.CustomRun(ns, run)
	want := receipt.Predicate{Team: "payments", Rule: "namespace-label", Robot: "team-payments+ci", Time: w.Clock.Now().UTC(), Controller: all[0].Predicate.Controller,
		Run: receipt.Run{Namespace: ns, Name: run, UID: string(made.UID), PipelineRun: reconcilertest.Pipeline, PipelineRunUID: string(made.OwnerReferences[0].UID)}}
	if diff := cmp.Diff(want, all[0].Predicate); diff != "" {
		t.Error(diff)
	}
	if want.Controller == "" || want.Run.PipelineRunUID == "" {
		t.Errorf("version %q or UID %q is missing", want.Controller, want.Run.PipelineRunUID)
	}
}

// What the gate of a push saw is in its receipt, with the time at which the push began.
func TestReceiptHasVerdict(t *testing.T) {
	began := metav1.NewTime(time.Date(2026, 11, 24, 11, 0, 0, 0, time.UTC))
	at := began.UTC()
	for value, want := range map[string]*receipt.Verdict{
		`{"critical":0,"high":2}`: {Time: at, Counts: map[string]int{"critical": 0, "high": 2}}, "": nil, "{}": nil, "null": nil, `{"high":"many"}`: nil, `["high"]`: nil,
		// What was let through unseen has no counts.
		`{"unsupported":1}`: {Time: at, Unsupported: 1}, `{"unsupported":1,"critical":0}`: {Time: at, Unsupported: 1, Counts: map[string]int{"critical": 0}},
	} {
		task := &pipelinev1.TaskRun{}
		task.Status.StartTime = &began
		got := verdictOf(task, []v1beta1.CustomRunResult{{Name: "other", Value: `{"x":1}`}, {Name: v1alpha1.ResultVulnerabilities, Value: value}})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", value, diff)
		}
		task.Status.StartTime = nil
		if got := verdictOf(task, []v1beta1.CustomRunResult{{Name: v1alpha1.ResultVulnerabilities, Value: value}}); got != nil {
			t.Errorf("%q has the time of nothing: %+v", value, got)
		}
	}
}

// What a run claims of its source is in the receipt, as a claim, if it is the name of a commit.
func TestReceiptClaims(t *testing.T) {
	commit, other := strings.Repeat("3f", 20), strings.Repeat("4a", 20)
	for name, test := range map[string]struct {
		label, param, want string
	}{
		"label": {commit, "", commit}, "param": {"", commit, commit}, "both": {commit, other, commit}, "none": {"", "", ""},
		"no commit": {"main", "$(params.x)", ""}, "the param is one": {"main", commit, commit},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := config.FromConfigMap(&corev1.ConfigMap{Data: on(nil)})
			if err != nil {
				t.Fatal(err)
			}
			owner := reconcilertest.NewPipelineRun(ns, "build-1")
			owner.Labels = map[string]string{labelCommit: test.label}
			owner.Spec.Params = pipelinev1.Params{param(paramCommit, test.param)}
			o := originOf(&v1beta1.CustomRun{}, owner, c)
			if o.SourceCommit != test.want || o.PipelineRun != "build-1" {
				t.Errorf("%+v, want commit %q", o, test.want)
			}
		})
	}
	if o := originOf(&v1beta1.CustomRun{}, nil, config.Default()); o != nil {
		t.Errorf("without receipts %+v is kept", o)
	}
}

// Pushes from custody, with a Secret of their own and by a copy there, have receipts, too.
func TestReceiptInCustody(t *testing.T) {
	t.Run("lent", func(t *testing.T) {
		n := newNotary(t)
		w := n.world(custody, on(map[string]string{"custody-namespace": custody}))
		w.Add(n.secret())
		n.push("v1")
		n.finish(w, "v1")
		reconcile(t, w)
		wantEnd(t, w, corev1.ConditionTrue, "Succeeded")
		if all, _ := n.receipts(); len(all) != 1 || result(w, v1alpha1.ResultReceipt) == "" {
			t.Errorf("%d receipts", len(all))
		}
		wantRunSecret(t, w, false)
	})
	t.Run("copy", func(t *testing.T) {
		n := newNotary(t)
		objects := fromRegistry()
		for _, o := range objects {
			switch o := o.(type) {
			case *corev1.Secret:
				o.Data[corev1.DockerConfigJsonKey] = n.Dockerconfig("team-payments+ci")
			case *v1beta1.CustomRun:
				image(n.repository())(o)
			}
		}
		w := reconcilertest.New(t, func(now clock.PassiveClock) injection.ControllerConstructor {
			return newController(now, n.Client().Transport, copyPlaces)
		}, on(map[string]string{"registry": n.Host(), "custody-namespace": custody, "internal-registries": internal}), objects...)
		w.Add(n.secret())
		reconcile(t, w)
		n.push("v1")
		n.end(w, copyOf(w), "v1")
		reconcile(t, w)
		wantEnd(t, w, corev1.ConditionTrue, "Succeeded")
		if all, _ := n.receipts(); len(all) != 1 || result(w, v1alpha1.ResultReceipt) == "" {
			t.Errorf("%d receipts", len(all))
		}
	})
	t.Run("keyless", func(t *testing.T) {
		n := newNotary(t)
		c := newCluster(t)
		n.registry = c.registry
		w := c.keyless(on(nil))
		w.Add(n.secret())
		reconcile(t, w)
		c.push("v1")
		c.registry.finish(w, "v1")
		reconcile(t, w)
		wantEnd(t, w, corev1.ConditionTrue, "Succeeded")
		if n := len(c.made); n != 2 {
			t.Errorf("%d tokens, want one for the push and one for question and receipt", n)
		}
	})
}

// A controller that dies between the receipt and the status finds the receipt again.
func TestReceiptIsWrittenOnce(t *testing.T) {
	n := newNotary(t)
	w := n.pushed()
	w.Faults.Before = func(a reconcilertest.Action) error {
		if a == "update customruns/status" {
			return errors.New("the controller died")
		}
		return nil
	}
	for range 3 {
		if err := w.Reconcile(ns, run); err == nil {
			t.Fatal("the status was written")
		}
	}
	w.Faults.Before = nil
	w.Restart()
	w.Clock.SetTime(w.Clock.Now().Add(time.Minute))
	reconcile(t, w)
	wantEnd(t, w, corev1.ConditionTrue, "Succeeded")
	all, digests := n.receipts()
	if len(all) != 1 || result(w, v1alpha1.ResultReceipt) != digests[0] {
		t.Errorf("%d receipts %v, the result is %q", len(all), digests, result(w, v1alpha1.ResultReceipt))
	}
}

// Nothing is certified that the registry does not have, whatever the Pod says, and no TaskRun gives the result itself.
func TestNoReceiptOfWhatIsNotThere(t *testing.T) {
	n := newNotary(t)
	w := n.world(ns, on(nil))
	w.Add(n.secret())
	n.finish(w, "v1")
	reconcile(t, w)
	wantEnd(t, w, corev1.ConditionFalse, v1alpha1.ReasonResultsUnproven, "does not have")

	w = n.world(ns, map[string]string{"verify-results": "false"})
	n.push("v1")
	n.finish(w, "v1")
	task := w.TaskRun(ns, run)
	task.Status.Results = append(task.Status.Results, pipelinev1.TaskRunResult{Name: v1alpha1.ResultReceipt, Type: pipelinev1.ResultsTypeString,
		Value: *pipelinev1.NewStructuredValues(n.digest)})
	w.Update(task)
	reconcile(t, w)
	wantEnd(t, w, corev1.ConditionTrue, "Succeeded")
	if got := result(w, v1alpha1.ResultReceipt); got != "" {
		t.Errorf("the TaskRun gave the result %q", got)
	}
	if uids, err := referrers(n, receipt.Store{Options: []remote.Option{remote.WithTransport(n.Client().Transport),
		remote.WithAuth(&authn.Basic{Username: "team-payments+ci", Password: n.token})}}); err != nil || len(uids) > 0 {
		t.Errorf("without a key there are receipts of %v, %v", uids, err)
	}
}

// What keeps a receipt from being written is waited for, then it ends the run with its own reason. No secret is in what it says.
func TestReceiptNotWritten(t *testing.T) {
	for name, test := range map[string]struct {
		begin func(n *notary, w *reconcilertest.World)
		end   func(n *notary, w *reconcilertest.World)
		says  string
	}{
		"no Secret": {func(_ *notary, w *reconcilertest.World) { w.DeleteSecret(config.Namespace, "receipt-key") },
			func(n *notary, w *reconcilertest.World) { w.Add(n.secret()) }, `namespace "quay-push" has no Secret "receipt-key"`},
		"no right": {func(_ *notary, w *reconcilertest.World) {
			w.Faults.Before = func(a reconcilertest.Action) error {
				if strings.HasPrefix(string(a), "get secrets") {
					return apierrs.NewForbidden(schema.GroupResource{Resource: "secrets"}, "receipt-key", fmt.Errorf("no right"))
				}
				return nil
			}
		}, func(_ *notary, w *reconcilertest.World) { w.Faults.Before = nil }, ""},
		"no key": {func(n *notary, w *reconcilertest.World) {
			broken := n.secret()
			broken.Data = map[string][]byte{signing.SecretKey: n.private[:len(n.private)/2]}
			w.Update(broken)
		}, func(n *notary, w *reconcilertest.World) { w.Update(n.secret()) }, "receipt.key of Secret"},
		"no right to push": {func(n *notary, _ *reconcilertest.World) {
			n.Grant("team-payments/checkout", "team-payments+ci", quaytest.Read)
		},
			func(n *notary, _ *reconcilertest.World) {
				n.Grant("team-payments/checkout", "team-payments+ci", quaytest.Write)
			}, "writing a receipt"},
		"an echo": {func(n *notary, _ *reconcilertest.World) {
			n.Faults.Add(quaytest.Fault{Name: "echo", Times: -1, Effect: func(_ *quaytest.Quay, rw http.ResponseWriter, r *http.Request, next http.Handler) {
				if r.Method != http.MethodPost {
					next.ServeHTTP(rw, r)
					return
				}
				rw.WriteHeader(http.StatusForbidden)
				fmt.Fprint(rw, n.token, r.Header.Get("Authorization"))
			}})
		}, func(n *notary, _ *reconcilertest.World) { n.Faults.Clear() }, "403 Forbidden"},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNotary(t)
			w := n.pushed()
			test.begin(n, w)
			for range 2 {
				if again, wait := controller.IsRequeueKey(w.Reconcile(ns, run)); !again || wait != proofPause {
					t.Fatalf("again %v after %s, want %s", again, wait, proofPause)
				}
			}
			t.Run("it comes back", func(t *testing.T) {
				test.end(n, w)
				reconcile(t, w)
				wantEnd(t, w, corev1.ConditionTrue, "Succeeded")
				if all, _ := n.receipts(); len(all) != 1 {
					t.Errorf("%d receipts", len(all))
				}
			})
			t.Run("it does not", func(t *testing.T) {
				n := newNotary(t) // Where no run of that UID has a receipt.
				w := n.pushed()
				test.begin(n, w)
				w.Clock.SetTime(w.Clock.Now().Add(proofPatience + time.Second))
				reconcile(t, w)
				reason := v1alpha1.ReasonReceiptNotWritten
				if name == "no right" {
					reason = v1alpha1.ReasonResultsUnproven // Nor may it read the tenant's.
				}
				wantEnd(t, w, corev1.ConditionFalse, reason, test.says)
				everything := fmt.Sprintf("%+v %v", w.CustomRun(ns, run), w.Events())
				for _, secret := range []string{n.token, string(n.private[40:80]), "Bearer", "eyJ"} {
					if strings.Contains(everything, secret) {
						t.Errorf("%q is in the status or an event", secret)
					}
				}
			})
		})
	}
}
