package cli

import (
	"context"
	"errors"
	"fmt"

	authorizationv1 "k8s.io/api/authorization/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"

	"github.com/comptech-lab/quay-push/pkg/receipt"
	"github.com/comptech-lab/quay-push/pkg/reconciler/signing"
)

// lookReceiptKey is the look at what signs receipts.
const lookReceiptKey = "receipt-key"

// lookAtReceiptKey looks whether the Secret that signs receipts is there, has a key that can sign, and may be read by the controller.
func (d *doctor) lookAtReceiptKey(ctx context.Context) {
	where, on := d.config.Receipts()
	switch {
	case !on:
		d.addAs(healthy, lookReceiptKey, "", "no receipts are written: config-tenancy has no receipt-key")
		return
	case where.Secret == "":
		d.skip([]string{lookReceiptKey}, "the key %s/%s is in Vault, and only the controller may sign with it: see whether a push leaves a receipt", where.Mount, where.Key)
		return
	}
	name := systemNamespace + "/" + where.Secret
	allowed, err := may(ctx, d.clients.Kube, controllerUser, authorizationv1.ResourceAttributes{Verb: "get", Resource: "secrets", Namespace: systemNamespace, Name: where.Secret})
	if err != nil {
		d.cannot(fmt.Errorf("asking whether the controller can get Secret %q: %w", name, err), lookReceiptKey)
		return
	}
	if !allowed {
		d.addAs(sick, lookReceiptKey, "name the Secret in the Role controller there, see docs/receipts.md", fmt.Sprintf("the controller cannot get Secret %q: pushes fail as ReceiptNotWritten", name))
		return
	}
	_, err = (&signing.Signers{Kube: d.clients.Kube}).Signer(ctx, where)
	switch {
	case err == nil:
		d.addAs(healthy, lookReceiptKey, "", fmt.Sprintf("Secret %q has a key that signs receipts, and the controller can get it", name))
	case apierrs.IsForbidden(err):
		d.skip([]string{lookReceiptKey}, "the controller can get Secret %q, and you cannot: whether it has a key was not looked at", name)
	case !errors.Is(err, receipt.ErrKey):
		d.cannot(err, lookReceiptKey)
	default:
		d.addAs(sick, lookReceiptKey, "make it anew, see docs/receipts.md: until then pushes fail as ReceiptNotWritten", err.Error())
	}
}
