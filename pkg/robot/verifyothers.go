package robot

import (
	"context"
	"fmt"
	"strings"
)

// lookAtOthers looks for robots beside the one in use that hold a right: a bearer token that one of them bought is good for the next
// one, whatever became of its own token.
func (v *verification) lookAtOthers(context.Context) error {
	k := checkOthers
	if v.Keyless {
		k = checkKeylessOthers
	}
	if v.robot == nil {
		v.skip(k, v.because)
		return nil
	}
	holding := []string{}
	for _, a := range v.robots {
		if a.Name == v.report.Robot || !v.own(a) {
			continue
		}
		if held := a.holds(); held != "" {
			holding = append(holding, fmt.Sprintf("%q has %s", a.Name, held))
		}
		if len(a.elsewhere) > 0 {
			holding = append(holding, fmt.Sprintf("%q has teams %s of another organization", a.Name, strings.Join(a.elsewhere, ", ")))
		}
	}
	v.add(k, len(holding) == 0, "%d others hold a right%s", len(holding), list(":", holding))
	return nil
}
