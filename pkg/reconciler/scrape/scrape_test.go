package scrape

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/runtime"
	fakekube "k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	clocktesting "k8s.io/utils/clock/testing"
)

const secret = `quay_push_decisions_total{team="payments"}`

// api knows the tokens reader and tenant, of which reader may get the metrics. It counts what it is asked.
type api struct {
	asked int
	err   error
}

func (a *api) client() *fakekube.Clientset {
	kube := fakekube.NewClientset()
	kube.PrependReactor("create", "tokenreviews", func(action clienttesting.Action) (bool, runtime.Object, error) {
		a.asked++
		review := action.(clienttesting.CreateAction).GetObject().(*authenticationv1.TokenReview)
		review.Status.Authenticated = review.Spec.Token == "reader" || review.Spec.Token == "tenant"
		review.Status.User = authenticationv1.UserInfo{Username: review.Spec.Token, Groups: []string{"g"}}
		return true, review, a.err
	})
	kube.PrependReactor("create", "subjectaccessreviews", func(action clienttesting.Action) (bool, runtime.Object, error) {
		a.asked++
		review := action.(clienttesting.CreateAction).GetObject().(*authorizationv1.SubjectAccessReview)
		is := review.Spec.NonResourceAttributes
		review.Status.Allowed = review.Spec.User == "reader" && review.Spec.Groups[0] == "g" && is.Path == "/metrics" && is.Verb == "get"
		return true, review, a.err
	})
	return kube
}

func newAuthorizer(a *api) (*Authorizer, *clocktesting.FakePassiveClock) {
	now := clocktesting.NewFakePassiveClock(time.Unix(1, 0))
	return NewAuthorizer(a.client(), now, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, secret)
	})), now
}

func get(a *Authorizer, method, path, authorization string) (int, string) {
	r := httptest.NewRequest(method, path, nil)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func TestWhoReadsTheMetrics(t *testing.T) {
	for _, test := range []struct {
		method, path, authorization string
		want, asked                 int
	}{
		{"GET", "/metrics", "Bearer reader", 200, 2},
		{"GET", "/metrics", "Bearer tenant", 403, 2},
		{"GET", "/metrics", "Bearer unknown", 401, 1},
		{"GET", "/metrics", "", 401, 0},
		{"GET", "/metrics", "Bearer ", 401, 0},
		{"GET", "/metrics", "Basic reader", 401, 0},
		{"GET", "/metrics", "Bearer " + strings.Repeat("a", maxToken+1), 401, 0},
		{"POST", "/metrics", "Bearer reader", 404, 0},
		{"GET", "/debug/pprof/heap", "Bearer reader", 404, 0},
	} {
		cluster := &api{}
		authorizer, _ := newAuthorizer(cluster)
		got, body := get(authorizer, test.method, test.path, test.authorization)
		if got != test.want || cluster.asked != test.asked || (body == secret) != (test.want == 200) {
			t.Errorf("%s %s, %.20s: %d %q after %d questions, want %d after %d", test.method, test.path, test.authorization, got, body, cluster.asked, test.want, test.asked)
		}
	}
}

// An answer holds for a minute, and no longer: a right that was taken away is not kept.
func TestAnswersAreRemembered(t *testing.T) {
	cluster := &api{}
	authorizer, now := newAuthorizer(cluster)
	for _, step := range []struct {
		at    time.Duration
		asked int
	}{{0, 2}, {59 * time.Second, 2}, {time.Minute, 4}} {
		now.SetTime(time.Unix(1, 0).Add(step.at))
		if got, _ := get(authorizer, "GET", Path, "Bearer reader"); got != 200 || cluster.asked != step.asked {
			t.Errorf("after %s: %d, %d questions, want %d", step.at, got, cluster.asked, step.asked)
		}
	}
}

// Strangers with a thousand tokens have the API server asked ten times, and take no memory; what is known is answered meanwhile.
func TestStrangersAreBounded(t *testing.T) {
	cluster := &api{}
	authorizer, _ := newAuthorizer(cluster)
	if got, _ := get(authorizer, "GET", Path, "Bearer reader"); got != 200 {
		t.Fatal(got)
	}
	cluster.asked = 0
	authorizer.questions.SetLimit(0)
	for i := range 1000 {
		get(authorizer, "GET", Path, fmt.Sprintf("Bearer %d", i))
	}
	if cluster.asked > 10 || len(authorizer.answers) > maxAnswers {
		t.Errorf("%d questions, %d answers", cluster.asked, len(authorizer.answers))
	}
	if got, _ := get(authorizer, "GET", Path, "Bearer stranger"); got != 429 {
		t.Errorf("one more is answered %d", got)
	}
	if got, _ := get(authorizer, "GET", Path, "Bearer reader"); got != 200 {
		t.Errorf("the reader is answered %d", got)
	}
}

// Where the API server does not answer nobody reads, and it is not remembered.
func TestNobodyReadsWithoutAnAnswer(t *testing.T) {
	cluster := &api{err: errors.New("away")}
	authorizer, _ := newAuthorizer(cluster)
	if got, body := get(authorizer, "GET", Path, "Bearer reader"); got != 503 || body == secret {
		t.Errorf("%d %q", got, body)
	}
	cluster.err = nil
	if got, _ := get(authorizer, "GET", Path, "Bearer reader"); got != 200 {
		t.Errorf("when it is back: %d", got)
	}
}

func TestServe(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	certificate, err := newCertificate(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	authorizer, _ := newAuthorizer(&api{})
	ended := make(chan error)
	go func() { ended <- serve(ctx, listener, certificate, authorizer) }()
	url := listener.Addr().String() + "/metrics"
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	r, err := http.NewRequest(http.MethodGet, "https://"+url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer reader")
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err != nil || string(body) != secret {
		t.Errorf("%d %q, %v", response.StatusCode, body, err)
	}
	// What a tenant's Pod tried.
	plain, err := http.Get("http://" + url)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Body.Close()
	if body, err := io.ReadAll(plain.Body); err != nil || plain.StatusCode != http.StatusBadRequest || strings.Contains(string(body), "team") {
		t.Errorf("in the clear: %d %q, %v", plain.StatusCode, body, err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("stopped: %v", err)
	}
}
