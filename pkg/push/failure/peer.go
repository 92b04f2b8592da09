package failure

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Role is what a registry is for a push, and by which flags it is named.
type Role struct {
	// behind is what follows the host's name in an error.
	behind string
	// flag names the registry, TokenFlag the host of its token service.
	flag, TokenFlag string
	// withoutTLS goes on with the next step for a registry that speaks no TLS.
	withoutTLS string
}

// The roles of a registry.
var (
	TargetRole = Role{flag: ImageRefFlag, TokenFlag: "--token-host", withoutTLS: "; --plain-http would send the credential readable"}
	SourceRole = Role{behind: ", where the source is,", flag: SourceFlag, TokenFlag: "--source-token-host",
		withoutTLS: "; a source in another registry is read by TLS alone: without it, copy it into an OCI layout first, as skopeo copy does"}
)

// Peer is a registry as its errors tell of it.
type Peer struct {
	Base url.URL // scheme and host alone
	// Role is what it is for the push; CAFile is --ca-file.
	Role   Role
	CAFile string
	// Realm is where its tokens are, as it said; empty: nowhere.
	Realm string
}

// Name is the host, and what it is.
func (p *Peer) Name() string { return p.Base.Host + p.Role.behind }

// Party is the host that err is about, and what it is: the registry, its token service, or where it redirected to.
func (p *Peer) Party(err error) (name, host string) {
	request := (*Request)(nil)
	if !errors.As(err, &request) || SameHost(p.Base.Scheme, request.Host, p.Base.Host) {
		return p.Name(), p.Base.Host
	}
	return fmt.Sprintf("%s, to which %s leads,", Shorten(request.Host), p.Base.Host), request.Host
}

// NotInFront is the next step where an answer is not that of a registry; one with TLS has no other for a request without.
func (p *Peer) NotInFront() string {
	next := "check that " + p.Role.flag + " names the registry, not something in front of it"
	if p.Base.Scheme == "http" {
		next += "; if it has TLS, leave --plain-http out"
	}
	return next
}

// SameHost compares two hosts; a scheme's own port may be left out.
func SameHost(scheme, a, b string) bool {
	port := map[string]string{"https": ":443", "http": ":80"}[scheme]
	return strings.EqualFold(strings.TrimSuffix(a, port), strings.TrimSuffix(b, port))
}
