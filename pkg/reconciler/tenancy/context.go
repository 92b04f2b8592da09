package tenancy

import (
	"context"

	tektonclient "github.com/tektoncd/pipeline/pkg/client/injection/client"
	kubeclient "knative.dev/pkg/client/injection/kube/client"
	policyinformer "knative.dev/pkg/client/injection/kube/informers/admissionregistration/v1/validatingadmissionpolicy"
	bindinginformer "knative.dev/pkg/client/injection/kube/informers/admissionregistration/v1/validatingadmissionpolicybinding"
	namespaceinformer "knative.dev/pkg/client/injection/kube/informers/core/v1/namespace"
	"knative.dev/pkg/injection/clients/dynamicclient"
)

// FromContext returns the Cluster with the clients and informers that Knative put into ctx.
func FromContext(ctx context.Context) *Cached {
	return &Cached{
		Namespaces: namespaceinformer.Get(ctx).Lister(),
		Policies:   policyinformer.Get(ctx).Lister(),
		Bindings:   bindinginformer.Get(ctx).Lister(),
		Kube:       kubeclient.Get(ctx),
		Tekton:     tektonclient.Get(ctx),
		Dynamic:    dynamicclient.Get(ctx),
	}
}
