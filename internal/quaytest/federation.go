package quaytest

import (
	"crypto/x509"
	"fmt"
)

// Federation is one issuer of tokens that a robot trusts, and whom it lets in
// with them.
type Federation struct {
	// Issuer is the claim iss, compared as a text.
	Issuer string `json:"issuer"`
	// Subject is the claim sub.
	Subject string `json:"subject"`
	// Audiences are those of which the claim aud has to have one; empty means
	// any. The management API of Quay drops them, so only a test can set them.
	Audiences []string `json:"audiences,omitempty"`
}

// SetFederation has robot, given by its full name, trust the given issuers and
// no others. It panics if there is no such robot.
func (q *Quay) SetFederation(robot string, trusted ...Federation) {
	q.mu.Lock()
	defer q.mu.Unlock()
	r := q.robots[robot]
	if r == nil {
		q.must(fmt.Errorf("setting federation of %q: Could not find robot with specified username", robot))
	}
	r.federation = trusted
}

// TrustIssuers has this Quay trust issuers whose certificate is from one of
// the authorities, and no others, as its extra_ca_certs do. Without it, it
// trusts those of the system.
func (q *Quay) TrustIssuers(authorities *x509.CertPool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.issuerCA = authorities
}
