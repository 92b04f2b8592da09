// Package scrape serves the metrics over TLS to those whom the API server lets read them: they tell of every team, and where no network
// policy is enforced any Pod reaches them.
package scrape

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/clock"
)

// Path is where the metrics are, and the non-resource URL on which a reader needs the verb get.
const Path = "/metrics"

const (
	// answerFor is how long an answer of the API server holds. Prometheus asks every 30 seconds.
	answerFor = time.Minute
	// maxAnswers is how many are remembered, maxToken how long a token may be.
	maxAnswers, maxToken = 64, 16 << 10
)

// Authorizer lets a request pass to a handler if its bearer token is that of a user with the right to get Path. It is safe for
// concurrent use.
type Authorizer struct {
	kube  kubernetes.Interface
	clock clock.PassiveClock
	next  http.Handler
	// questions bounds what strangers can have the API server asked.
	questions *rate.Limiter

	mu      sync.Mutex
	answers map[[sha256.Size]byte]answer
}

type answer struct {
	status int
	until  time.Time
}

// NewAuthorizer returns an Authorizer that asks kube, before next.
func NewAuthorizer(kube kubernetes.Interface, now clock.PassiveClock, next http.Handler) *Authorizer {
	return &Authorizer{kube: kube, clock: now, next: next, questions: rate.NewLimiter(2, 10), answers: map[[sha256.Size]byte]answer{}}
}

// ServeHTTP implements http.Handler.
func (a *Authorizer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != Path || r.Method != http.MethodGet {
		http.NotFound(w, r)
		return
	}
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || token == "" || len(token) > maxToken {
		http.Error(w, "a bearer token is needed", http.StatusUnauthorized)
		return
	}
	if status := a.status(r.Context(), token); status != http.StatusOK {
		http.Error(w, http.StatusText(status), status)
		return
	}
	a.next.ServeHTTP(w, r)
}

// status is what a request with the token is answered with.
func (a *Authorizer) status(ctx context.Context, token string) int {
	key, now := sha256.Sum256([]byte(token)), a.clock.Now()
	a.mu.Lock()
	known, ok := a.answers[key]
	a.mu.Unlock()
	if ok && now.Before(known.until) {
		return known.status
	}
	if !a.questions.Allow() {
		return http.StatusTooManyRequests
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	status, err := a.ask(ctx, token)
	if err != nil {
		return http.StatusServiceUnavailable // What is not known is asked again.
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.answers) >= maxAnswers {
		clear(a.answers)
	}
	a.answers[key] = answer{status, now.Add(answerFor)}
	return status
}

// ask asks the API server whose token it is, and what that one may.
func (a *Authorizer) ask(ctx context.Context, token string) (int, error) {
	review, err := a.kube.AuthenticationV1().TokenReviews().Create(ctx,
		&authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: token}}, metav1.CreateOptions{})
	if err != nil {
		return 0, fmt.Errorf("asking whose token it is: %w", err)
	}
	if !review.Status.Authenticated {
		return http.StatusUnauthorized, nil
	}
	user := review.Status.User
	extra := map[string]authorizationv1.ExtraValue{}
	for name, value := range user.Extra {
		extra[name] = authorizationv1.ExtraValue(value)
	}
	access, err := a.kube.AuthorizationV1().SubjectAccessReviews().Create(ctx, &authorizationv1.SubjectAccessReview{
		Spec: authorizationv1.SubjectAccessReviewSpec{User: user.Username, UID: user.UID, Groups: user.Groups, Extra: extra,
			NonResourceAttributes: &authorizationv1.NonResourceAttributes{Path: Path, Verb: "get"}}}, metav1.CreateOptions{})
	if err != nil {
		return 0, fmt.Errorf("asking what %q may: %w", user.Username, err)
	}
	if !access.Status.Allowed {
		return http.StatusForbidden, nil
	}
	return http.StatusOK, nil
}
