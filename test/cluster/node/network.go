package node

import (
	"fmt"
	"net"
	"os"

	"github.com/vishvananda/netlink"
)

// bridge is what the CNI plugin of that name connects the pods to.
const bridge = "cni0"

// connect sets up the calling thread's network namespace: loopback, the bridge with the node's address, and a default
// route on it, since kube-proxy rewrites only what has a route.
func connect() error {
	loopback, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	if err := netlink.LinkSetUp(loopback); err != nil {
		return fmt.Errorf("setting up the loopback device: %w", err)
	}
	attributes := netlink.NewLinkAttrs()
	attributes.Name = bridge
	device := &netlink.Bridge{LinkAttrs: attributes}
	if err := netlink.LinkAdd(device); err != nil {
		return fmt.Errorf("adding bridge %q: %w", bridge, err)
	}
	_, network, err := net.ParseCIDR(podCIDR)
	if err != nil {
		return err
	}
	own := &netlink.Addr{IPNet: &net.IPNet{IP: net.ParseIP(address), Mask: network.Mask}}
	if err := netlink.AddrAdd(device, own); err != nil {
		return fmt.Errorf("adding address %q: %w", address, err)
	}
	if err := netlink.LinkSetUp(device); err != nil {
		return fmt.Errorf("setting up bridge %q: %w", bridge, err)
	}
	everywhere := &net.IPNet{IP: net.IPv4zero, Mask: net.CIDRMask(0, 32)}
	if err := netlink.RouteAdd(&netlink.Route{LinkIndex: device.Attrs().Index, Dst: everywhere}); err != nil {
		return fmt.Errorf("adding the default route: %w", err)
	}
	for _, setting := range []string{"ip_forward", "conf/all/route_localnet"} {
		if err := os.WriteFile("/proc/sys/net/ipv4/"+setting, []byte("1"), 0); err != nil {
			return err
		}
	}
	return nil
}
