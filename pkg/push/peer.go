package push

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// role is what a registry is for a push, and by which flags it is named.
type role struct {
	// behind is what follows the host's name in an error.
	behind string
	// flag names the registry, tokenFlag the host of its token service.
	flag, tokenFlag string
	// withoutTLS goes on with the next step for a registry that speaks no TLS.
	withoutTLS string
}

var (
	targetRole = role{flag: imageRefFlag, tokenFlag: "--token-host", withoutTLS: "; --plain-http would send the credential readable"}
	sourceRole = role{behind: ", where the source is,", flag: sourceFlag, tokenFlag: "--source-token-host",
		withoutTLS: "; a source in another registry is read by TLS alone: without it, copy it into an OCI layout first, as skopeo copy does"}
)

// peer is a registry as its errors tell of it.
type peer struct {
	base url.URL // scheme and host alone
	// role is what it is for the push; caFile is --ca-file.
	role   role
	caFile string
	// realm is where its tokens are, as it said; empty: nowhere.
	realm string
}

// name is the host, and what it is.
func (p *peer) name() string { return p.base.Host + p.role.behind }

// party is the host that err is about, and what it is: the registry, its token service, or where it redirected to.
func (p *peer) party(err error) (name, host string) {
	request := (*requestError)(nil)
	if !errors.As(err, &request) || sameHost(p.base.Scheme, request.host, p.base.Host) {
		return p.name(), p.base.Host
	}
	return fmt.Sprintf("%s, to which %s leads,", shorten(request.host), p.base.Host), request.host
}

// notInFront is the next step where an answer is not that of a registry.
func (p *peer) notInFront() string {
	return "check that " + p.role.flag + " names the registry, not something in front of it"
}

// sameHost compares two hosts; a scheme's own port may be left out.
func sameHost(scheme, a, b string) bool {
	port := map[string]string{"https": ":443", "http": ":80"}[scheme]
	return strings.EqualFold(strings.TrimSuffix(a, port), strings.TrimSuffix(b, port))
}
