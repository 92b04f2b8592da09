package cli

import (
	"context"

	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/pkg/secret"
)

// delivery is an ExternalSecret whose Secret gets the token.
type delivery struct {
	cluster         *cluster
	namespace, name string
}

// Refresh implements platformtoken.Delivery.
func (d delivery) Refresh(ctx context.Context) error {
	return d.cluster.Refresh(ctx, d.namespace, d.name)
}

// Token implements platformtoken.Delivery.
func (d delivery) Token(ctx context.Context) (secret.Value, error) {
	found, err := d.cluster.Kube.CoreV1().Secrets(d.namespace).Get(ctx, d.name, metav1.GetOptions{})
	if apierrs.IsNotFound(err) {
		return secret.Value{}, nil
	} else if err != nil {
		return secret.Value{}, reading("Secret", d.namespace, d.name, err)
	}
	return secret.New(string(found.Data["token"])), nil
}
