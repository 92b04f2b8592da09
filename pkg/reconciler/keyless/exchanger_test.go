package keyless

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/comptech-lab/quay-push/internal/oidctest"
	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/federation"
	"github.com/comptech-lab/quay-push/pkg/reconciler/tenancy"
)

const subject = "system:serviceaccount:custody:quay-robot-team-payments"

var account = tenancy.Account{Namespace: "custody", Name: "quay-robot-team-payments", Robot: "team-payments+ci"}

// world is a cluster, whose issuer Quay trusts for the account, and that Quay.
type world struct {
	*quaytest.Quay
	issuer *oidctest.Issuer
	kube   *fake.Clientset
	config *config.Config
	// asked is what the API server was asked for, token what it answered, and refusal what it answers in a token's place.
	asked   authenticationv1.TokenRequestSpec
	token   string
	refusal error
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Quay: quaytest.Start(t), issuer: oidctest.Start(t), kube: fake.NewClientset(), config: config.Default()}
	w.AddOrganization("team-payments")
	w.AddRobot("team-payments", "ci")
	w.TrustIssuers(w.issuer.Authorities())
	w.SetFederation(account.Robot, quaytest.Federation{Issuer: w.issuer.URL(), Subject: subject})
	w.config.Registry = w.Host()
	w.kube.PrependReactor("create", "serviceaccounts", func(a clienttesting.Action) (bool, runtime.Object, error) {
		create := a.(clienttesting.CreateActionImpl)
		if create.Subresource != "token" || create.Namespace != account.Namespace || create.Name != account.Name {
			t.Errorf("created %s/%s in %s of %s", create.Resource.Resource, create.Subresource, create.Namespace, create.Name)
		}
		if w.refusal != nil {
			return true, nil, w.refusal
		}
		request := create.Object.(*authenticationv1.TokenRequest)
		w.asked, w.token = request.Spec, w.issuer.Token(subject)
		request.Status.Token = w.token
		return true, request, nil
	})
	return w
}

func (w *world) exchanger() *Exchanger { return New(w.kube, w.Client().Transport) }

// wantError checks what failed, why, and that none of the error's texts has a part of the token.
func (w *world) wantError(t *testing.T, err error, want Error) {
	t.Helper()
	var got *Error
	if !errors.As(err, &got) || got.Reason != want.Reason || got.Passing != want.Passing || !strings.Contains(got.Problem, want.Problem) || !strings.Contains(got.Next, want.Next) {
		t.Fatalf("error %+v, want %+v", err, want)
	}
	if !strings.HasPrefix(got.Problem, `keyless, by ServiceAccount "quay-robot-team-payments" in namespace "custody": `) || got.Error() != got.Problem+"; "+got.Next {
		t.Errorf("error %q", got)
	}
	for part := range strings.SplitSeq(w.token, ".") {
		if text := fmt.Sprintf("%+v %v", *got, err); part != "" && strings.Contains(text, part) {
			t.Errorf("a part of the token is in %s", text)
		}
	}
}

func TestCredential(t *testing.T) {
	w := newWorld(t)
	got, err := w.exchanger().Credential(t.Context(), w.config, account)
	if err != nil {
		t.Fatal(err)
	}
	seconds := int64(600)
	if diff := cmp.Diff(authenticationv1.TokenRequestSpec{Audiences: []string{w.Host()}, ExpirationSeconds: &seconds}, w.asked); diff != "" {
		t.Errorf("token (-want +got):\n%s", diff)
	}
	request, err := http.NewRequest(http.MethodGet, w.URL()+"/v2/auth?service="+w.Host(), nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", got.Authorization().Reveal())
	response, err := w.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if got.Username != "team-payments+ci" || response.StatusCode != http.StatusOK {
		t.Errorf("Quay answers %d to %s", response.StatusCode, got.Username)
	}
	if shown := fmt.Sprintf("%v %+v %#v", got, got, got); strings.Contains(shown, "eyJ") {
		t.Errorf("the credential shows %s", shown)
	}
}

// The API server's refusal is final, and another error of its is worth another try.
func TestTokenIsWithheld(t *testing.T) {
	w := newWorld(t)
	for _, refusal := range []error{
		apierrs.NewForbidden(corev1.Resource("serviceaccounts"), account.Name, errors.New("no right")),
		apierrs.NewInvalid(corev1.SchemeGroupVersion.WithKind("TokenRequest").GroupKind(), account.Name, nil),
	} {
		w.refusal = refusal
		_, err := w.exchanger().Credential(t.Context(), w.config, account)
		w.wantError(t, err, Error{v1alpha1.ReasonTokenRefused, "refused the controller a token: " + refusal.Error(), "apply config/custody/ again", false})
	}
	w.refusal = apierrs.NewInternalError(errors.New("etcd is slow"))
	_, err := w.exchanger().Credential(t.Context(), w.config, account)
	if failed := (*Error)(nil); errors.As(err, &failed) || !apierrs.IsInternalError(err) || !strings.Contains(err.Error(), `asking for a token of ServiceAccount "quay-robot-team-payments"`) {
		t.Errorf("error %v", err)
	}
	if n := len(w.Requests()); n != 0 {
		t.Errorf("%d requests to Quay without a token", n)
	}
}

// Each way to fail has a reason of its own, but those that say themselves what is wrong.
func TestEveryCauseHasAReason(t *testing.T) {
	source, err := os.ReadFile("../../federation/error.go")
	if err != nil {
		t.Fatal(err)
	}
	var unnamed []string
	all := regexp.MustCompile(`(?m)^\tCause\w+ +Cause = "([a-z-]+)"$`).FindAllStringSubmatch(string(source), -1)
	for _, cause := range all {
		if reasons[federation.Cause(cause[1])] == "" {
			unnamed = append(unnamed, cause[1])
		}
	}
	if want := []string{"not-a-robot", "refused", "foreign"}; !slices.Equal(unnamed, want) || len(all) < 15 {
		t.Errorf("of %d causes %q have no reason, want %q", len(all), unnamed, want)
	}
	for _, cause := range unnamed {
		got := refused(account, &federation.Error{Cause: federation.Cause(cause), Problem: "a problem", Proof: "the proof", Next: "a next step"})
		want := Error{Reason: v1alpha1.ReasonFederationRefused, Next: "a next step",
			Problem: `keyless, by ServiceAccount "quay-robot-team-payments" in namespace "custody": a problem: the proof`}
		if *got != want {
			t.Errorf("%s: %+v", cause, got)
		}
	}
}

// A Quay that is away is asked once, since who asks comes back: no thread waits for the next try.
func TestAwayIsAskedOnce(t *testing.T) {
	w := newWorld(t)
	w.Faults.Add(quaytest.Fault{Name: "down", Times: -1, Effect: quaytest.Status(http.StatusBadGateway, nil, "")})
	_, err := w.exchanger().Credential(t.Context(), w.config, account)
	w.wantError(t, err, Error{v1alpha1.ReasonFederationUnreachable, "Quay is away", "see whether Quay runs", true})
	if n := len(w.Requests()); n != 1 {
		t.Errorf("%d requests, want one", n)
	}
}

// A Quay whose certificate is not trusted is not asked, and a server that sends the request elsewhere is not followed.
func TestTokenGoesToQuayAlone(t *testing.T) {
	w := newWorld(t)
	_, err := New(w.kube, http.DefaultTransport).Credential(t.Context(), w.config, account)
	w.wantError(t, err, Error{v1alpha1.ReasonFederationUnreachable, "is not trusted here", "let the controller trust the authority of Quay's certificate", false})
	other := newWorld(t)
	w.Faults.Add(quaytest.Fault{Name: "moved", Times: -1, Effect: quaytest.Status(http.StatusFound, http.Header{"Location": {other.URL() + "/"}}, "")})
	_, err = w.exchanger().Credential(t.Context(), w.config, account)
	w.wantError(t, err, Error{v1alpha1.ReasonFederationRefused, "not one of Quay's", "what answers in front of it", false})
	if n := len(other.Requests()); n > 0 {
		t.Errorf("%d requests to another host", n)
	}
}

// hang has Quay answer nothing until the test ends, or the request does.
func (w *world) hang(t *testing.T) {
	t.Helper()
	release := make(chan struct{})
	w.Faults.Add(quaytest.Fault{Name: "hangs", Times: -1, Effect: quaytest.Stall(release)})
	t.Cleanup(func() { close(release) })
}

// A Quay that hangs takes a thread for a while, and not longer.
func TestHangingQuayIsLeft(t *testing.T) {
	w := newWorld(t)
	w.hang(t)
	e := w.exchanger()
	e.patience = 200 * time.Millisecond
	begin := time.Now()
	_, err := e.Credential(t.Context(), w.config, account)
	w.wantError(t, err, Error{v1alpha1.ReasonFederationUnreachable, "there was no answer within 200ms", "see whether Quay runs, can be reached from the controller", true})
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
	// What ends with its caller is nobody's failure.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Credential(ctx, w.config, account); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
}

// However many runs wait for Quay, the others have threads.
func TestFewAtOnce(t *testing.T) {
	w := newWorld(t)
	w.hang(t)
	e := w.exchanger()
	e.patience = time.Second
	failed := make(chan error, atOnce+2)
	for range atOnce + 2 {
		go func() {
			_, err := e.Credential(t.Context(), w.config, account)
			failed <- err
		}()
	}
	busy := 0
	for range atOnce + 2 {
		if errors.Is(<-failed, ErrBusy) {
			busy++
		}
	}
	if busy != 2 {
		t.Errorf("%d were busy, want 2", busy)
	}
	w.Faults.Clear()
	if _, err := e.Credential(t.Context(), w.config, account); err != nil {
		t.Errorf("when there is room again: %v", err)
	}
}
