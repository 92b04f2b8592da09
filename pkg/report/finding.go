package report

import (
	"cmp"
	"slices"

	"github.com/comptech-lab/quay-push/pkg/robot"
)

// mostNamed is how many teams a finding tells the details of. All teams are below, each with its own.
const mostNamed = 10

// finding is one thing to do, with the teams that need it.
type finding struct {
	Mark    mark
	ID      string
	Title   string
	Symptom robot.Symptom
	Next    string
	// Found are the first few, More are how many others there are.
	Found []found
	More  int
}

// found is what a check found of one team.
type found struct{ Team, Anchor, Cluster, Detail string }

// findings are what there is to do, the worst first, then what most teams need. What a check skipped is one if there is a next step.
func findings(teams []*team) []*finding {
	type key struct {
		status   robot.Status
		id, next string
	}
	byKey, all := map[key]*finding{}, []*finding{}
	for _, t := range teams {
		for _, c := range t.Checks {
			if c.Status == robot.Passed || c.Status == robot.Skipped && c.Next == "" {
				continue
			}
			k := key{c.Status, c.ID, c.Next}
			f := byKey[k]
			if f == nil {
				f = &finding{Mark: c.Mark, ID: c.ID, Title: c.Title, Symptom: c.Symptom, Next: c.Next}
				byKey[k], all = f, append(all, f)
			}
			if len(f.Found) == mostNamed {
				f.More++
				continue
			}
			f.Found = append(f.Found, found{t.Tenant, t.Anchor, c.Cluster, c.Detail})
		}
	}
	slices.SortStableFunc(all, func(a, b *finding) int {
		return cmp.Or(cmp.Compare(a.badness(), b.badness()), cmp.Compare(len(b.Found)+b.More, len(a.Found)+a.More))
	})
	return all
}

// badness orders findings: lower is worse.
func (f *finding) badness() int {
	most := len(robot.WorstFirst)
	switch i := slices.Index(robot.WorstFirst, f.Symptom); {
	case f.Mark == markUnchecked:
		return most + 1
	case f.Mark != markFailed:
		return most + 2
	case i < 0:
		return most
	default:
		return i
	}
}
