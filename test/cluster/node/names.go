package node

import (
	"context"
	"net/netip"

	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"

	"github.com/comptech-lab/quay-push/test/cluster/dns"
	"github.com/comptech-lab/quay-push/test/cluster/netns"
)

// serveNames answers the pods' DNS queries, on the node's address, from a watch of all Services.
func (n Node) serveNames(ctx context.Context, client kubernetes.Interface, space *netns.Namespace, failed chan<- error) error {
	connection, err := space.ListenPacket(address + ":53")
	if err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	lister := factory.Core().V1().Services().Lister()
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	go func() { failed <- dns.Serve(connection, lookup(lister)) }()
	return nil
}

// lookup finds Services by their cluster address; one without it, a headless one, has no addresses here.
func lookup(lister corelisters.ServiceLister) dns.Lookup {
	return func(namespace, name string) ([]netip.Addr, bool) {
		service, err := lister.Services(namespace).Get(name)
		if err != nil {
			return nil, false
		}
		var addresses []netip.Addr
		for _, ip := range service.Spec.ClusterIPs {
			if address, err := netip.ParseAddr(ip); err == nil {
				addresses = append(addresses, address)
			}
		}
		return addresses, true
	}
}
