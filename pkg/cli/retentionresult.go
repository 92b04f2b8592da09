package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/comptech-lab/quay-push/pkg/gitops"
	"github.com/comptech-lab/quay-push/pkg/retention"
)

// collected is the result of retention gc.
type collected struct {
	head
	DryRun bool `json:"dryRun"`
	// LetGo and Kept are how many anchors were, or would be; NotLetGo are those that were to be, and are still there.
	LetGo    int                `json:"letGo"`
	Kept     int                `json:"kept"`
	NotLetGo int                `json:"notLetGo"`
	Anchors  []retention.Anchor `json:"anchors"`
	// NotLookedAt are what could not be looked up; what it may need was kept.
	NotLookedAt []unseen `json:"notLookedAt"`
}

// unseen is something that could not be looked up.
type unseen struct {
	What string `json:"what"`
	// Organization and Repository are those whose anchors were kept for it; without any, all were.
	Organization string `json:"organization,omitempty"`
	Repository   string `json:"repository,omitempty"`
	Problem      string `json:"problem"`
}

// newCollected makes it of what became of the anchors.
func newCollected(result retention.Result, dryRun bool) collected {
	printed := collected{head: newHead("AnchorCollection"), DryRun: dryRun, LetGo: result.Count(retention.LetGo), NotLetGo: result.Count(retention.Failed),
		Kept: result.Count(retention.Kept) + result.Count(retention.Unknown), Anchors: result.Anchors, NotLookedAt: []unseen{}}
	if printed.Anchors == nil {
		printed.Anchors = []retention.Anchor{}
	}
	for _, g := range result.Gaps {
		problem, _ := split(gitFailure(g.Err)) // What is next of Git's is about another program's flags.
		printed.NotLookedAt = append(printed.NotLookedAt, unseen{g.What, g.Organization, g.Repository, problem})
	}
	return printed
}

func (r collected) write(w io.Writer) error {
	rows := [][]string{}
	for _, a := range r.Anchors {
		outcome := string(a.Outcome)
		if a.Outcome == retention.LetGo && r.DryRun {
			outcome = "would go"
		}
		why := a.Why
		if !a.Until.IsZero() {
			why += ", until " + a.Until.Format(time.RFC3339)
		}
		rows = append(rows, []string{a.Repository, a.Tag, outcome, why})
	}
	if err := table(w, []string{"REPOSITORY", "ANCHOR", "OUTCOME", "WHY"}, rows); err != nil {
		return err
	}
	for _, u := range r.NotLookedAt {
		writeLines(w, "not looked at:", []string{u.What + ": " + u.Problem})
	}
	did := "let go"
	if r.DryRun {
		did = "would be let go"
	}
	_, err := fmt.Fprintf(w, "%d anchors %s, %d stay\n", r.LetGo, did, r.Kept+r.NotLetGo)
	return err
}

// collectionFailure is the error of a run that could not look at everything, or not do everything; nil after any other.
func collectionFailure(ctx context.Context, result retention.Result) error {
	failed := result.Count(retention.Failed)
	if len(result.Gaps) == 0 && failed == 0 {
		return nil
	}
	problem := fmt.Sprintf("could not be looked up: %d, anchors that could not be let go: %d", len(result.Gaps), failed)
	exits := map[Exit]bool{}
	for _, g := range result.Gaps {
		exits[exitOf(ctx, g.Err)] = true
	}
	exit := ExitFindings
	if len(exits) == 1 && failed == 0 && !exits[ExitFailure] && !exits[ExitRefused] {
		for exit = range exits {
		}
	}
	next := "the lines \"not looked at\" and the outcome \"failed\" say why: mend that, then run it again; what may be needed was kept"
	if len(result.Gaps) > 0 {
		if of := nextOf(gitFailure(result.Gaps[0].Err)); of != "" {
			next = of + "; then run it again"
		}
	}
	return &failure{exit, problem, next}
}

// gitFailure gives an error of a GitOps repository the exit code and the next step of this tool; any other stays as it is.
func gitFailure(err error) error {
	git := (*gitops.Error)(nil)
	if !errors.As(err, &git) {
		return err
	}
	problem := git.Problem
	if git.Proof != "" {
		problem += ": " + git.Proof
	}
	return &failure{ExitFailure, problem, "see whether --gitops is right, and --git-credential-dir is of somebody who may read it"}
}
