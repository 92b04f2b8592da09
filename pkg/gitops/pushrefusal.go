package gitops

import (
	"strings"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
)

// pushRefusal is a push that the server took and refused.
type pushRefusal struct {
	// status is Git's word for why, said what the server and its hooks say to it.
	status, said string
	// broken reports that the server could not do it, and not that it would not.
	broken bool
}

// Error is both.
func (e *pushRefusal) Error() string {
	if e.said == "" {
		return e.status
	}
	return e.status + "; the server says: " + e.said
}

// refusalOf is the first refusal in a report; nil for none.
func refusalOf(report *packp.ReportStatus, said *words) error {
	const ok = "ok"
	if report.UnpackStatus != ok {
		return &pushRefusal{report.UnpackStatus, said.String(), true}
	}
	for _, c := range report.CommandStatuses {
		if c.Status != ok {
			return &pushRefusal{c.Status, said.String(), false}
		}
	}
	return nil
}

// next is the next step after a refusal. Git has no codes for why; these are the words of Git, GitLab, GitHub and Gitea.
func (e *pushRefusal) next() string {
	switch {
	case e.broken:
		return "run it again later; if that does not help, ask who runs the Git server, with what it says"
	case strings.Contains(e.status, "declined"):
		return "keep to the server's rule, such as with another --author, or ask who keeps the repository to allow branches ci/dev/*"
	case strings.Contains(e.status, "update ref"), strings.Contains(e.status, "lock"):
		return "run it again; if that does not help, ask who runs the Git server why it cannot write the branch"
	}
	return "ask who keeps the repository to allow branches ci/dev/*"
}
