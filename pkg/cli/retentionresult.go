package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/comptech-lab/quay-push/pkg/gitops"
	"github.com/comptech-lab/quay-push/pkg/retention"
	"github.com/comptech-lab/quay-push/pkg/shown"
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
	// NotLookedAt are what could not be looked up; what it may need was kept, unless it is ignored.
	NotLookedAt []unseen `json:"notLookedAt"`
	// Warnings are what the rules do not reach.
	Warnings []string `json:"warnings"`
}

// unseen is something that could not be looked up.
type unseen struct {
	What string `json:"what"`
	// Organization and Repository are those whose anchors were kept for it; without any, all were.
	Organization string `json:"organization,omitempty"`
	Repository   string `json:"repository,omitempty"`
	Problem      string `json:"problem"`
	// Ignored: it is on a branch that is not protected, and nothing was kept for it.
	Ignored bool `json:"ignored,omitempty"`
}

// newCollected makes it of what became of the anchors.
func newCollected(result retention.Result, f retentionFlags) collected {
	printed := collected{head: newHead("AnchorCollection"), DryRun: f.dryRun, Warnings: warningsOf(result, f), LetGo: result.Count(retention.LetGo), NotLetGo: result.Count(retention.Failed),
		Kept: result.Count(retention.Kept) + result.Count(retention.Unknown), Anchors: result.Anchors, NotLookedAt: []unseen{}}
	if printed.Anchors == nil {
		printed.Anchors = []retention.Anchor{}
	}
	for _, g := range result.Gaps {
		problem, _ := split(gitFailure(g.Err)) // What is next of Git's is about another program's flags.
		printed.NotLookedAt = append(printed.NotLookedAt, unseen{g.What, g.Organization, g.Repository, problem, g.Ignored})
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
		what := "not looked at:"
		if u.Ignored {
			what = "not looked at, and ignored:"
		}
		writeLines(w, what, []string{u.What + ": " + u.Problem})
	}
	writeLines(w, "warning", r.Warnings)
	did := "let go"
	if r.DryRun {
		did = "would be let go"
	}
	stay := r.Kept + r.NotLetGo
	_, err := fmt.Fprintf(w, "%s %s, %d %s\n", shown.Count(r.LetGo, "anchor", "anchors"), did, stay, verb(stay, "stays", "stay"))
	return err
}

// verb is the one for n things.
func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// warningsOf are what the rules do not reach: what Quay forgets, and teams that --all does not know.
func warningsOf(result retention.Result, f retentionFlags) []string {
	short, strangers := grouped{}, grouped{}
	for _, organization := range slices.Sorted(maps.Keys(result.Forgets)) {
		remembers := result.Forgets[organization]
		short.add(fmt.Sprintf("its time machine (tag_expiration_s) is %s, and --grace %s: Quay does not remember for longer when another tag left a digest, and the anchor of one that had left before may go so much earlier; let the time machine be as long, or give a shorter --grace",
			shown.Duration(remembers), shown.Duration(f.grace)), organization)
	}
	if f.all {
		for _, organization := range result.Strangers {
			strangers.add("its team has overlays, and neither an ExternalSecret nor a ServiceAccount by which --all finds teams: its anchors were not looked at; name the team for that", organization)
		}
	}
	return append([]string{}, slices.Concat(short.lines("organization"), strangers.lines("organization"))...)
}

// collectionFailure is the error of a run that could not look at everything, or not do everything; nil after any other.
func collectionFailure(ctx context.Context, result retention.Result) error {
	failed := result.Count(retention.Failed)
	gaps := slices.DeleteFunc(slices.Clone(result.Gaps), func(g retention.Gap) bool { return g.Ignored })
	if len(gaps) == 0 && failed == 0 {
		return nil
	}
	problem := fmt.Sprintf("could not be looked up: %d, anchors that could not be let go: %d", len(gaps), failed)
	exits := map[Exit]bool{}
	for _, g := range gaps {
		exits[exitOf(ctx, g.Err)] = true
	}
	exit := ExitFindings
	if len(exits) == 1 && failed == 0 && !exits[ExitFailure] && !exits[ExitRefused] {
		for exit = range exits {
		}
	}
	next := "the lines \"not looked at\" and the outcome \"failed\" say why: mend that, then run it again; what may be needed was kept"
	if len(gaps) > 0 {
		if of := nextOf(gitFailure(gaps[0].Err)); of != "" {
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
