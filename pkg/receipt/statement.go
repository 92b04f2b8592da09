// Package receipt writes and verifies push receipts: signed statements of the controller about which team, and which of its runs, pushed
// a digest. A receipt is an in-toto statement in a DSSE envelope in a Sigstore bundle, and an OCI referrer of the image, as cosign v3
// writes and verifies them.
package receipt

import (
	"fmt"
	"regexp"
	"time"

	"github.com/comptech-lab/quay-push/pkg/reference"
)

const (
	// StatementType is in-toto's (in-toto/attestation: spec/v1/statement.md).
	StatementType = "https://in-toto.io/Statement/v1"
	// PredicateType is that of a push receipt. cosign verify-attestation takes it as --type.
	PredicateType = "https://quay.comptech-lab.com/push-receipt/v1"
)

// Statement is what is signed.
type Statement struct {
	Type          string    `json:"_type"`
	Subject       []Subject `json:"subject"`
	PredicateType string    `json:"predicateType"`
	Predicate     Predicate `json:"predicate"`
}

// Subject is the image.
type Subject struct {
	// Name is the repository, host/organization/name.
	Name string `json:"name"`
	// Digest has the key sha256, with 64 hex digits.
	Digest map[string]string `json:"digest"`
}

// Predicate is what the controller knows of a push.
type Predicate struct {
	// Team is whose push it was, and Rule the one of the tenancy by which it was decided.
	Team string `json:"team"`
	Rule string `json:"rule"`
	Run  Run    `json:"run"`
	// Robot is the account that pushed, <organization>+<short name>.
	Robot string `json:"robot"`
	// Time is when the controller had seen the image in the registry, to the second.
	Time time.Time `json:"time"`
	// Controller is the version of the controller.
	Controller string `json:"controller"`
	// Verdict is the one of Quay's scanner that let the image have its tags, as the push step told it; nil where no gate was set.
	Verdict *Verdict `json:"verdict,omitempty"`
	// Claimed is what the run says of itself. Who starts a run can claim anything.
	Claimed *Claimed `json:"claimed,omitempty"`
}

// Run is the CustomRun, and the PipelineRun that it was proved to be of; that is empty where the namespace alone decides.
type Run struct {
	Namespace      string `json:"namespace"`
	Name           string `json:"name"`
	UID            string `json:"uid"`
	PipelineRun    string `json:"pipelineRun,omitempty"`
	PipelineRunUID string `json:"pipelineRunUID,omitempty"`
}

// Verdict is what Quay's scanner said of an image.
type Verdict struct {
	// Time is when the push began: the verdict is not older.
	Time time.Time `json:"time"`
	// Counts are the vulnerabilities by severity, in lower case; not there where the scanner supports no part of the image.
	Counts map[string]int `json:"counts,omitempty"`
	// Unsupported is how many images of the index, or whether the one image (1), the scanner does not support: they were let through unseen.
	Unsupported int `json:"unsupported,omitempty"`
}

// Claimed is what nobody has proved.
type Claimed struct {
	// SourceCommit is the commit that the run says it was built from, in hex.
	SourceCommit string `json:"sourceCommit"`
}

// New returns the statement that the push of predicate left digest, sha256:<64 hex>, in repository, host/organization/name.
func New(repository, digest string, predicate Predicate) (Statement, error) {
	if !reference.IsDigest(digest) {
		return Statement{}, fmt.Errorf("stating %q: it is not sha256:<64 hex>", digest)
	}
	predicate.Time = predicate.Time.UTC().Truncate(time.Second)
	return Statement{
		Type:          StatementType,
		Subject:       []Subject{{Name: repository, Digest: map[string]string{"sha256": digest[len("sha256:"):]}}},
		PredicateType: PredicateType,
		Predicate:     predicate,
	}, nil
}

var commitPattern = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

// Claim returns what a run that names commit as its source claims; nil if that is no commit's name of SHA-1 or SHA-256 in lower case hex.
func Claim(commit string) *Claimed {
	if !commitPattern.MatchString(commit) {
		return nil
	}
	return &Claimed{SourceCommit: commit}
}
