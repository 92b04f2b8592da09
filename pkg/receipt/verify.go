package receipt

import (
	"crypto/ecdsa"
	"encoding/json"
	"fmt"
	"slices"
)

// Expectation is what a receipt has to be about.
type Expectation struct {
	// Repository is host/organization/name, Digest sha256:<64 hex>.
	Repository, Digest string
	// Team is whose push it has to be; empty: anybody's.
	Team string
}

// Invalid is what is wrong with a receipt.
type Invalid struct{ Problem string }

func (e *Invalid) Error() string { return e.Problem }

func invalid(format string, args ...any) error { return &Invalid{fmt.Sprintf(format, args...)} }

// Verify returns the statement of a bundle that one of keys has signed, and that is about what is expected. The error is an *Invalid.
func Verify(data []byte, keys []*ecdsa.PublicKey, want Expectation) (Statement, error) {
	var b bundle
	if len(data) > maxBundle || json.Unmarshal(data, &b) != nil || b.MediaType != BundleType {
		return Statement{}, invalid("it is no Sigstore bundle of type %s with a DSSE envelope", BundleType)
	}
	if n := len(b.Envelope.Signatures); n != 1 {
		return Statement{}, invalid("it has %d signatures, and a receipt has one", n)
	}
	if !slices.ContainsFunc(keys, func(key *ecdsa.PublicKey) bool { return verifies(key, b.Envelope) }) {
		return Statement{}, invalid("its signature is not one of the key: another key has signed it, or it was changed since")
	}
	var s Statement
	if err := json.Unmarshal(b.Envelope.Payload, &s); err != nil || s.Type != StatementType {
		return Statement{}, invalid("what the key has signed is no in-toto statement v1")
	}
	switch {
	case s.PredicateType != PredicateType:
		return Statement{}, invalid("what the key has signed is %.200q, and no push receipt", s.PredicateType)
	case len(s.Subject) != 1 || s.Subject[0].Name != want.Repository:
		return Statement{}, invalid("it is about %s, and not about repository %q", subjects(s), want.Repository)
	case "sha256:"+s.Subject[0].Digest["sha256"] != want.Digest:
		return Statement{}, invalid("it is about %s, and not about %s", subjects(s), want.Digest)
	case want.Team != "" && s.Predicate.Team != want.Team:
		return Statement{}, invalid("team %q pushed it, and not team %q", s.Predicate.Team, want.Team)
	}
	return s, nil
}

// subjects names what a statement is about.
func subjects(s Statement) string {
	if len(s.Subject) != 1 {
		return fmt.Sprintf("%d subjects", len(s.Subject))
	}
	return fmt.Sprintf("%.300q", s.Subject[0].Name+"@sha256:"+s.Subject[0].Digest["sha256"])
}
