package pushimage

import (
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"strings"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/dockerconfig"
	"github.com/comptech-lab/quay-push/pkg/push/verdict"
	"github.com/comptech-lab/quay-push/pkg/receipt"
	"github.com/comptech-lab/quay-push/pkg/reconciler/provenance"
	"github.com/comptech-lab/quay-push/pkg/version"
)

// receiptTimeout is how long one try to write a receipt may take: a reconcile has half a minute.
const receiptTimeout = 10 * time.Second

// certify returns the digest of the receipt of the run's push, and writes it unless an earlier try did that was not able to write so into
// the run's status. The registry is asked with the tenant's own credential, of which the error holds nothing.
func (r *Reconciler) certify(ctx context.Context, v view, image provenance.Image, credential dockerconfig.Credential, verdict *receipt.Verdict) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, receiptTimeout)
	defer cancel()
	where, _ := v.config.Receipts()
	key, err := r.signers.Signer(ctx, where)
	if err != nil {
		return "", err
	}
	host, _, _ := strings.Cut(image.Repository, "/")
	store := receipt.Store{Repository: image.Repository, Options: receipt.Options(r.verifier.Transport, host, credential)}
	p := r.predicate(v, credential.Username)
	p.Verdict = verdict
	digest, err := write(ctx, store, image, p, key)
	if err != nil {
		// A server may echo what it was sent.
		return "", errors.New(credential.Authorization().Redact(err.Error()))
	}
	return digest, nil
}

// write returns the digest of the run's receipt, after it was written if it was not there.
func write(ctx context.Context, store receipt.Store, image provenance.Image, p receipt.Predicate, key receipt.Signer) (string, error) {
	want := receipt.Expectation{Repository: image.Repository, Digest: image.Digest, Team: p.Team}
	digest, err := store.Of(ctx, p.Run.UID, []*ecdsa.PublicKey{key.Public()}, want)
	if err == nil || !errors.As(err, new(*receipt.Invalid)) {
		return digest, err
	}
	statement, err := receipt.New(image.Repository, image.Digest, p)
	if err != nil {
		return "", err
	}
	data, err := receipt.Sign(ctx, statement, key)
	if err != nil {
		return "", err
	}
	return store.Write(ctx, statement, data)
}

// predicate is what the controller knows of the push.
func (r *Reconciler) predicate(v view, robot string) receipt.Predicate {
	run, s := v.run, v.state
	p := receipt.Predicate{
		Team: s.Team, Rule: string(s.Rule), Robot: robot, Time: r.clock.Now(), Controller: version.Read().Short(),
		Run: receipt.Run{Namespace: run.Namespace, Name: run.Name, UID: string(run.UID)},
	}
	if s.Receipt != nil {
		p.Run.PipelineRun, p.Run.PipelineRunUID = s.Receipt.PipelineRun, string(s.Receipt.PipelineRunUID)
		p.Claimed = receipt.Claim(s.Receipt.SourceCommit)
	}
	return p
}

// maxSeverities is how many severities a verdict may have. Quay's scanner has eight.
const maxSeverities = 16

// verdictOf is what the step says that Quay's scanner said; nil without a gate.
func verdictOf(task *pipelinev1.TaskRun, results []v1beta1.CustomRunResult) *receipt.Verdict {
	for _, result := range results {
		if result.Name != v1alpha1.ResultVulnerabilities || task.Status.StartTime == nil {
			continue
		}
		var counts map[string]int
		if json.Unmarshal([]byte(result.Value), &counts) == nil && 0 < len(counts) && len(counts) <= maxSeverities {
			unsupported := counts[string(verdict.Unsupported)]
			if delete(counts, string(verdict.Unsupported)); len(counts) == 0 {
				counts = nil
			}
			return &receipt.Verdict{Time: task.Status.StartTime.UTC(), Counts: counts, Unsupported: unsupported}
		}
	}
	return nil
}

// Where a PipelineRun says which commit it was made for: Pipelines as Code's label, and the param of this project's own Pipelines.
const (
	labelCommit = "pipelinesascode.tekton.dev/sha"
	paramCommit = "source-commit"
)

// originOf is where the run comes from: its owner, if it has one, and what that claims.
func originOf(run *v1beta1.CustomRun, owner *pipelinev1.PipelineRun, c *config.Config) *origin {
	if _, on := c.Receipts(); !on {
		return nil
	}
	o, claims := &origin{}, []string{run.Labels[labelCommit]}
	if owner != nil {
		o.PipelineRun, o.PipelineRunUID = owner.Name, owner.UID
		claims = append(claims, owner.Labels[labelCommit])
		for _, p := range owner.Spec.Params {
			if p.Name == paramCommit {
				claims = append(claims, p.Value.StringVal)
			}
		}
	}
	for _, claim := range claims {
		if claimed := receipt.Claim(claim); claimed != nil {
			o.SourceCommit = claimed.SourceCommit
			break
		}
	}
	return o
}
