package robot

import (
	"context"
	"errors"
	"fmt"
)

// AdoptPath returns t with the path in Vault that the team's ExternalSecret already reads: a team has one credential, and a
// second app of it is pushed with the same. adopted says that this is another path than t had; without an ExternalSecret t
// is returned as it is. A path with another team's credential, or none, is refused.
func AdoptPath(ctx context.Context, s Services, t Tenant) (found Tenant, adopted bool, err error) {
	e, err := s.Cluster.ExternalSecret(ctx, t.Namespace, t.Secret)
	if errors.Is(err, ErrNotFound) {
		return t, false, nil
	} else if err != nil {
		return Tenant{}, false, err
	}
	if e.Odd != "" {
		return Tenant{}, false, &Error{Reason: ReasonRefused, Problem: fmt.Sprintf("ExternalSecret %q does not read one path in Vault alone: %s", t.Namespace+"/"+t.Secret, e.Odd),
			Next: "see who wrote that ExternalSecret; delete it, then run this again"}
	}
	if e.Path == t.VaultPath {
		return t, false, nil
	}
	found = t
	found.VaultPath = e.Path
	stored, err := s.read(ctx, found)
	if err != nil {
		return Tenant{}, false, err
	}
	if !stored.exists || !t.OwnsRobot(stored.username) {
		return Tenant{}, false, &Error{Reason: ReasonRefused,
			Problem: fmt.Sprintf("ExternalSecret %q reads the path %q in Vault, where no credential of team %q is", t.Namespace+"/"+t.Secret, e.Path, t.Team),
			Next:    "see who wrote that ExternalSecret; delete it, then run this again"}
	}
	return found, true, nil
}
