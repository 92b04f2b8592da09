package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/comptech-lab/quay-push/pkg/pushlog"
	"github.com/comptech-lab/quay-push/pkg/robot"
)

// mostOpen is how many teams that are not right the page shows open.
const mostOpen = 20

// team is a Team as the page shows it.
type team struct {
	Team
	// Anchor is its name in links within the page. It is that of a part of what can be closed: a browser opens what has where a link leads.
	Anchor string
	Mark   mark
	Checks []check
	// Passed is how many of the checks passed.
	Passed int
	// Age is that of its token, or why none is told; Old says that it should have been replaced.
	Age string
	Old bool
	// Open says that its checks are to be seen at once.
	Open bool
	// Pushed and Refused are how many of its pushes the page tells of, Last is when it pushed last; zero where it did not.
	Pushed, Refused int
	Last            time.Time
}

// check is a robot.Check as the page shows it.
type check struct {
	robot.Check
	Mark mark
}

// teams are the teams of the report: first those that are not right, by name.
func (r Report) teams() []*team {
	anchors, byName, all := map[string]int{}, map[string][]*team{}, []*team{}
	for _, from := range r.Teams {
		t := &team{Team: from, Anchor: anchor(from.Tenant)}
		if anchors[t.Anchor]++; anchors[t.Anchor] > 1 {
			t.Anchor += fmt.Sprint(".", anchors[t.Anchor])
		}
		t.look()
		t.age(r.Made, r.MaxAge)
		all, byName[t.Tenant] = append(all, t), append(byName[t.Tenant], t)
	}
	for _, p := range r.Pushes.Pushes {
		for _, t := range byName[p.Team] {
			t.count(p)
		}
	}
	order := []mark{markWrong, markUnchecked, markPartly, markRight}
	slices.SortStableFunc(all, func(a, b *team) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.Mark), slices.Index(order, b.Mark)), cmp.Compare(a.Tenant, b.Tenant))
	})
	for i, t := range all {
		t.Open = t.Mark != markRight && i < mostOpen
	}
	return all
}

// anchor is the name of a team in a link.
func anchor(name string) string {
	return "team-" + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '_'
	}, name)
}

// look tells how the team is from its checks.
func (t *team) look() {
	seen := map[mark]int{}
	for _, from := range t.Report.Checks {
		c := check{from, markSkipped}
		switch {
		case from.NotAsked():
			c.Mark = markUnchecked
		case from.Status == robot.Passed:
			c.Mark = markPassed
		case from.Status == robot.Failed:
			c.Mark = markFailed
		}
		seen[c.Mark]++
		t.Checks = append(t.Checks, c)
	}
	t.Passed = seen[markPassed]
	switch {
	case seen[markFailed] > 0:
		t.Mark = markWrong
	case seen[markUnchecked] > 0:
		t.Mark = markUnchecked
	case t.Passed < len(t.Checks) || t.Passed == 0:
		t.Mark = markPartly
	default:
		t.Mark = markRight
	}
}

// age tells how old the team's token is.
func (t *team) age(now time.Time, most time.Duration) {
	switch {
	case t.Keyless:
		t.Age = "none is stored"
	case t.Written.IsZero():
		t.Age = "not known"
	default:
		old := now.Sub(t.Written)
		t.Age, t.Old = span(old), most > 0 && old > most
	}
}

// count takes a push of the team into account.
func (t *team) count(p pushlog.Push) {
	if p.Refused != "" {
		t.Refused++
		return
	}
	t.Pushed++
	if p.Time.After(t.Last) {
		t.Last = p.Time
	}
}
