package cli

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net/url"

	apierrs "k8s.io/apimachinery/pkg/api/errors"

	"github.com/comptech-lab/quay-push/pkg/overlay"
	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// nextOf is the next step after err: its own, or one for the part that did not answer or refused; empty where nobody knows one.
func nextOf(err error) string {
	var own *failure
	var domain *robot.Error
	var refusal *overlay.Refusal
	switch {
	case errors.As(err, &own):
		return own.next
	case errors.As(err, &domain):
		return domain.Next
	case errors.As(err, &refusal):
		return refusal.Next
	case errors.Is(err, context.Canceled):
		return ""
	}
	if next := nextOfPart(err); next != "" || !errors.Is(err, context.DeadlineExceeded) {
		return next
	}
	return "see what keeps it waiting, or give it longer with --timeout"
}

// nextOfPart is the next step after an answer of Quay, Vault or the cluster, or after none.
func nextOfPart(err error) string {
	var answer *quay.Error
	var untrusted *tls.CertificateVerificationError
	var noAnswer *url.Error
	if next := cmp.Or(quay.Next(err), vault.Next(err)); next != "" {
		return next
	}
	switch {
	case quay.IsUnreachable(err) && quay.IsUntrusted(err):
		return "name the authority that signed Quay's certificate with --quay-ca-file, or correct --quay-url"
	case quay.IsUnreachable(err):
		return "see whether Quay runs there; --quay-url is its address"
	case quay.IsForbidden(err):
		return "use an OAuth token of an owner of the organization, with org:admin and repo:admin"
	case quay.IsUnauthorized(err) && errors.As(err, &answer) && answer.Path != quay.TokenPath:
		return "make another OAuth token in Quay: this one is wrong or has expired"
	case errors.Is(err, vault.ErrUnreachable) && errors.As(err, &untrusted):
		return "name the authority that signed Vault's certificate with VAULT_CACERT or --vault-ca-file, or correct VAULT_ADDR"
	case errors.Is(err, vault.ErrUnreachable):
		return "see whether Vault runs there; VAULT_ADDR or --vault-addr is its address"
	case errors.Is(err, vault.ErrDenied):
		return "see whether your Vault token is good and has the policy that docs/cli.md lists"
	case errors.As(err, &noAnswer) && errors.As(err, &untrusted):
		return "name the authority that signed the API server's certificate in the kubeconfig; --kubeconfig and --context choose another cluster"
	case errors.As(err, &noAnswer):
		return "see whether kubectl version gets an answer; --kubeconfig and --context choose another cluster"
	}
	return nextOfCluster(err)
}

// nextOfCluster is the next step after an answer of the API server.
func nextOfCluster(err error) string {
	switch {
	case apierrs.IsUnauthorized(err):
		return "log in to the cluster again"
	case apierrs.IsForbidden(err):
		return "get the right; docs/cli.md lists what the tool needs in the cluster"
	case apierrs.IsTooManyRequests(err), apierrs.IsServerTimeout(err), apierrs.IsTimeout(err), apierrs.IsServiceUnavailable(err), apierrs.IsInternalError(err):
		return "run it again when the API server is well"
	}
	return ""
}
