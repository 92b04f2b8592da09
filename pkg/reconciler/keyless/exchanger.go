// Package keyless has the credential of a keyless team made, for one run: the API server makes a token of the team's ServiceAccount, and
// Quay gives one of the robot for it, which is good for an hour. Nothing of either is kept.
package keyless

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/sync/semaphore"
	authenticationv1 "k8s.io/api/authentication/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/dockerconfig"
	"github.com/comptech-lab/quay-push/pkg/federation"
	"github.com/comptech-lab/quay-push/pkg/reconciler/tenancy"
	"github.com/comptech-lab/quay-push/pkg/secret"
)

const (
	// lifetime is how long the ServiceAccount's token is good for, in seconds: Kubernetes makes none that is shorter.
	lifetime = 600
	// patience is how long one credential may take, in which a thread waits for the API server and for Quay, which waits 5 s for each of the
	// issuer's two documents.
	patience = 15 * time.Second
	// atOnce is how many credentials are made at once, for all namespaces: a Quay that hangs holds a quarter of the threads.
	atOnce = 8
)

// ErrBusy says that as many credentials are being made as may be. Whoever comes back later gets a turn.
var ErrBusy = errors.New("as many tokens are being exchanged as may be at once")

// Exchanger makes credentials. It is safe for concurrent use.
type Exchanger struct {
	tokens   kubernetes.Interface
	quay     *http.Client
	places   *semaphore.Weighted
	patience time.Duration
}

// New returns an Exchanger that has tokens made by kube, and reaches Quay through transport.
func New(kube kubernetes.Interface, transport http.RoundTripper) *Exchanger {
	return &Exchanger{tokens: kube, quay: &http.Client{Transport: transport}, places: semaphore.NewWeighted(atOnce), patience: patience}
}

// Credential has a credential made of the account's robot at the registry of c. The error is an *Error, ErrBusy, or the API server's, and
// holds nothing of a token.
func (e *Exchanger) Credential(ctx context.Context, c *config.Config, account tenancy.Account) (dockerconfig.Credential, error) {
	if !e.places.TryAcquire(1) {
		return dockerconfig.Credential{}, ErrBusy
	}
	defer e.places.Release(1)
	within, cancel := context.WithTimeout(ctx, e.patience)
	defer cancel()
	token, err := e.token(within, c.Audience(), account)
	if err != nil {
		return dockerconfig.Credential{}, err
	}
	// Who asks tries again, and holds no thread until then.
	quay := federation.Exchanger{Client: e.quay, Base: &url.URL{Scheme: "https", Host: c.Registry}, Tries: 1}
	password, _, err := quay.Exchange(within, account.Robot, token)
	switch failed := (*federation.Error)(nil); {
	case err == nil:
		return dockerconfig.NewCredential(account.Robot, password), nil
	case errors.As(err, &failed):
		return dockerconfig.Credential{}, refused(account, failed)
	case ctx.Err() == nil && within.Err() != nil:
		return dockerconfig.Credential{}, late(c.Registry, account, e.patience)
	}
	return dockerconfig.Credential{}, fmt.Errorf("exchanging a token for robot %q: %w", account.Robot, err)
}

// token is one of the ServiceAccount.
func (e *Exchanger) token(ctx context.Context, audience string, account tenancy.Account) (secret.Value, error) {
	seconds := int64(lifetime)
	answer, err := e.tokens.CoreV1().ServiceAccounts(account.Namespace).CreateToken(ctx, account.Name, &authenticationv1.TokenRequest{
		Spec: authenticationv1.TokenRequestSpec{Audiences: []string{audience}, ExpirationSeconds: &seconds}}, metav1.CreateOptions{})
	switch {
	case apierrs.IsForbidden(err) || apierrs.IsInvalid(err) || apierrs.IsBadRequest(err):
		return secret.Value{}, withheld(account, err)
	case err != nil:
		return secret.Value{}, fmt.Errorf("asking for a token of ServiceAccount %q: %w", account.Name, err)
	}
	return secret.New(strings.TrimSpace(answer.Status.Token)), nil
}
