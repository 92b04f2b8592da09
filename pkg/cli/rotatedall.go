package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/comptech-lab/quay-push/pkg/robot"
)

// rotatedAll is the result of rotate --all.
type rotatedAll struct {
	head
	DryRun        bool    `json:"dryRun"`
	MaxAgeSeconds float64 `json:"maxAgeSeconds"`
	// Counts has every outcome.
	Counts map[robot.Outcome]int `json:"counts"`
	// Stopped is why no further team was begun; empty if each was.
	Stopped string `json:"stopped,omitempty"`
	// Teams are in the order in which they were worked on.
	Teams []rotatedTeam `json:"teams"`
}

// rotatedTeam is what became of one team.
type rotatedTeam struct {
	Team    string        `json:"team"`
	Outcome robot.Outcome `json:"outcome"`
	// Robot is the robot in use now; empty where that was not seen.
	Robot string `json:"robot,omitempty"`
	// Written is when the credential was written to Vault that was in use before; missing where Vault did not say. Age is that for people.
	Written time.Time `json:"written,omitzero"`
	Age     string    `json:"age,omitempty"`
	// Exit is the name of the exit code that rotate for this team alone has, Problem and Next are its error; empty if nothing is wrong.
	Exit    string `json:"exit,omitempty"`
	Problem string `json:"problem,omitempty"`
	Next    string `json:"next,omitempty"`
}

func newRotatedAll(ctx context.Context, done robot.RotateAllResult, opts robot.RotateAllOptions, now time.Time) rotatedAll {
	r := rotatedAll{head: newHead("RotationOfAll"), DryRun: opts.DryRun, MaxAgeSeconds: opts.MaxAge.Seconds(), Counts: map[robot.Outcome]int{}, Teams: []rotatedTeam{}}
	for _, outcome := range robot.Outcomes {
		r.Counts[outcome] = 0
	}
	if done.Stopped != nil {
		r.Stopped, _ = split(done.Stopped)
	}
	for _, t := range done.Teams {
		r.Counts[t.Outcome]++
		team := rotatedTeam{Team: t.Team, Outcome: t.Outcome, Robot: t.Robot, Written: t.Written.UTC(), Age: ageOf(t, now)}
		if t.Err != nil {
			team.Problem, team.Next = split(t.Err)
			team.Exit = nameOf(exitOfTeam(ctx, t))
			if t.Outcome == robot.OutcomeStopped {
				team.Next = nextGoesOn // Whatever it was at.
			}
		}
		r.Teams = append(r.Teams, team)
	}
	return r
}

// nameOf is the name of an exit code.
func nameOf(exit Exit) string {
	for _, e := range Exits {
		if e.Exit == exit {
			return e.Name
		}
	}
	return ""
}

func (r rotatedAll) write(w io.Writer) error {
	rows := [][]string{}
	for _, t := range r.Teams {
		// A platform of many tenants is read for what was done, and for what is left.
		if t.Outcome == robot.OutcomeKept || t.Outcome == robot.OutcomeNotBegun {
			continue
		}
		rows = append(rows, []string{t.Team, string(t.Outcome), t.Age, r.found(t)})
	}
	if len(rows) > 0 {
		if err := table(w, []string{"TEAM", "OUTCOME", "AGE", "FOUND"}, rows); err != nil {
			return err
		}
	}
	counts := []string{}
	for _, outcome := range robot.Outcomes {
		if n := r.Counts[outcome]; n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, strings.ReplaceAll(string(outcome), "-", " ")))
		}
	}
	_, err := fmt.Fprintf(w, "%d teams: %s\n", len(r.Teams), strings.Join(counts, ", "))
	return err
}

// found is what there is to say of a team.
func (r rotatedAll) found(t rotatedTeam) string {
	most := time.Duration(r.MaxAgeSeconds * float64(time.Second))
	switch {
	case t.Next != "":
		return t.Problem + "; " + t.Next
	case t.Problem != "":
		return t.Problem
	case t.Outcome == robot.OutcomeDue:
		return fmt.Sprintf("it would be rotated: its credential is older than %s", most)
	case t.Outcome == robot.OutcomeUnfinished:
		return "its rotation would be finished: it was left undone"
	case t.Outcome == robot.OutcomeResumed:
		return "a rotation that was left undone is finished: it pushes with " + t.Robot
	}
	return "it pushes with " + t.Robot
}
