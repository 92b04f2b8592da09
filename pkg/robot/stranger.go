package robot

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// askVault is how long Vault may take to say which robot it names, where nothing else waits for it.
const askVault = 10 * time.Second

// ofTeam returns what reports whether a robot that has a name of the team's is the team's: by its description, or else as Vault, or a keyless
// team's ServiceAccount, names it. That is asked for this alone, once, and may be away.
func (s Services) ofTeam(ctx context.Context, t Tenant) func(account) bool {
	asked, named := false, ""
	return func(a account) bool {
		if t.own(a) {
			return true
		}
		if !asked {
			asked = true
			ctx, cancel := context.WithTimeout(ctx, askVault)
			defer cancel()
			if found, err := s.former(ctx, t); err == nil {
				named = found.username
			}
		}
		return a.Name == named
	}
}

// noteStrangers names in the report the robots that stay as they are, though they have a name of the team's.
func (r *LeakReport) noteStrangers(strangers map[string]account) {
	for _, name := range slices.Sorted(maps.Keys(strangers)) {
		a := strangers[name]
		held := a.holds()
		if held == "" {
			held = "no right"
		}
		r.Unknown = append(r.Unknown, fmt.Sprintf("whose robot %q is, which has %s: it was not made with this tool, neither Vault nor a ServiceAccount names it, and it stays as it is; if its token leaked, delete it in Quay's own pages", name, held))
	}
}

// noteClock names in the report what a clock that is wrong leaves open.
func (r *LeakReport) noteClock(s Services) {
	if apart := s.clockApart(); apart != "" {
		r.Unknown = append(r.Unknown, fmt.Sprintf("what was pushed before %s, if that was reckoned from now: %s", stamp(r.Since), apart))
	}
}
