package cli

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/comptech-lab/quay-push/pkg/pushlog"
	"github.com/comptech-lab/quay-push/pkg/shown"
)

// pushed is the result of pushes.
type pushed struct {
	head
	// Since and Until are the time that was asked for.
	Since  time.Time `json:"since"`
	Until  time.Time `json:"until"`
	Pushes []onePush `json:"pushes"`
	// NotRead are what could not be read: pushes may be missing, or lack what it would have said.
	NotRead []notRead `json:"notRead"`

	wide, git bool
}

// onePush is one of them. What is not known is left out.
type onePush struct {
	Time       time.Time `json:"time"`
	Team       string    `json:"team,omitempty"`
	Namespace  string    `json:"namespace,omitempty"`
	Run        string    `json:"run,omitempty"`
	Who        string    `json:"who,omitempty"`
	Repository string    `json:"repository,omitempty"`
	Digest     string    `json:"digest,omitempty"`
	// Bytes is a pointer, since nothing sent is not the same as not known.
	Bytes *int64 `json:"bytes,omitempty"`
	Rule  string `json:"rule,omitempty"`
	// Refused is why nothing was pushed.
	Refused string `json:"refused,omitempty"`
	// Pinned is there, empty, where no branch pins a push, and left out where nobody looked.
	Pinned *[]string      `json:"pinned,omitempty"`
	Source pushlog.Source `json:"source"`
}

// notRead is something that could not be read.
type notRead struct {
	What    string `json:"what"`
	Problem string `json:"problem"`
	Next    string `json:"next,omitempty"`
}

// text is why, with the next step.
func (n notRead) text() string {
	if n.Next == "" {
		return n.Problem
	}
	return n.Problem + "; " + n.Next
}

// printNotRead tells what could not be read.
func (c *connection) printNotRead(gaps []notRead) {
	for _, gap := range gaps {
		writeLines(c.program.Err, "not read:", []string{gap.What + ": " + gap.text()})
	}
}

func newPushed(q pushesQuery, list pushlog.List, wide bool) pushed {
	result := pushed{head: newHead("PushList"), Since: q.since.UTC(), Until: q.until.UTC(), Pushes: []onePush{}, NotRead: []notRead{},
		wide: wide, git: len(q.gitops) > 0}
	for _, p := range list.Pushes {
		one := onePush{Time: p.Time, Team: p.Team, Namespace: p.Namespace, Run: p.Run, Who: p.Who, Repository: p.Repository, Digest: p.Digest,
			Rule: p.Rule, Refused: p.Refused, Source: p.Source}
		if p.Bytes != pushlog.UnknownBytes {
			one.Bytes = &p.Bytes
		}
		if result.git && p.Digest != "" {
			pinned := append([]string{}, p.Pinned...)
			one.Pinned = &pinned
		}
		result.Pushes = append(result.Pushes, one)
	}
	for _, gap := range list.Gaps {
		problem, next := split(gap.Err)
		result.NotRead = append(result.NotRead, notRead{gap.What, problem, next})
	}
	return result
}

func (r pushed) write(w io.Writer) error {
	heading := []string{"TIME", "TEAM", "RUN", "WHO", "REPOSITORY", "DIGEST", "BYTES", "RULE"}
	if r.git {
		heading = append(heading, "PINNED")
	}
	if r.wide {
		heading = append(heading, "SOURCE")
	}
	rows, refused := [][]string{}, r.refused()
	for _, p := range r.Pushes {
		outcome := "pushed"
		if p.Refused != "" {
			outcome = p.Refused
		}
		run, digest, bytes := p.Run, p.Digest, ""
		if p.Namespace != "" {
			run = p.Namespace + "/" + p.Run
		}
		if p.Bytes != nil {
			bytes = strconv.FormatInt(*p.Bytes, 10)
		}
		if !r.wide {
			digest, outcome = shortDigest(digest), shown.Short(outcome)
		}
		row := []string{p.Time.Format(time.RFC3339), p.Team, run, p.Who, p.Repository, digest, bytes, p.Rule}
		if r.git {
			row = append(row, r.pinned(p))
		}
		if r.wide {
			row = append(row, string(p.Source))
		}
		for i := range row {
			row[i] = cmp.Or(row[i], "-")
		}
		rows = append(rows, append(row, outcome))
	}
	if err := table(w, append(heading, "OUTCOME"), rows); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%d pushes, %d refused or failed, since %s\n", len(r.Pushes)-refused, refused, r.Since.Format(time.RFC3339))
	return err
}

// refused counts those that were refused, or failed.
func (r pushed) refused() (n int) {
	for _, p := range r.Pushes {
		if p.Refused != "" {
			n++
		}
	}
	return n
}

// pinned are the branches that pin a push, a few of them unless all are wanted.
func (r pushed) pinned(p onePush) string {
	if p.Pinned == nil {
		return ""
	}
	most := 2
	if r.wide {
		most = len(*p.Pinned)
	}
	return few(*p.Pinned, most)
}

// shortDigest is enough of a digest to recognize it by.
func shortDigest(digest string) string {
	return digest[:min(len(digest), len("sha256:")+12)]
}
