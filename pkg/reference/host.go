package reference

import (
	"net/netip"
	"regexp"
	"strings"
)

// hostPattern is a registry host with or without a port.
var hostPattern = regexp.MustCompile(`^([a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[0-9a-fA-F:]+\])(:[0-9]{1,5})?$`)

// IsHost reports whether host, with or without a port, is one: a name, an IPv4 address or an IPv6 address in brackets.
func IsHost(host string) bool {
	if !hostPattern.MatchString(host) {
		return false
	}
	inner, bracketed := strings.CutPrefix(host, "[")
	inner, _, _ = strings.Cut(inner, "]")
	_, err := netip.ParseAddr(inner)
	return !bracketed || err == nil
}
