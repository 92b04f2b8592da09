package robot

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/secret"
)

// notBurning is why the token of one robot may be good still.
type notBurning struct {
	// robot is its name; empty for a second robot of which it is not known whether there is one.
	robot string
	err   error
}

// burnBoth replaces the tokens of the robots that exist, and returns the new ones by name. That one cannot be burnt keeps the
// other from nothing.
func (s Services) burnBoth(ctx context.Context, t Tenant) (map[string]secret.Value, error) {
	tokens, left := map[string]secret.Value{}, []notBurning{}
	for _, name := range []string{t.Robot, t.StandbyRobot} {
		robot, err := s.Quay.RegenerateRobot(ctx, name)
		switch {
		case quay.IsNotFound(err):
		case err == nil:
			tokens[name] = robot.Token
		case name == t.Robot:
			left = append(left, notBurning{name, err})
		default:
			left = append(left, s.notBurningStandby(ctx, name, err, len(left) > 0)...)
		}
	}
	switch {
	case len(left) > 0:
		return nil, notBurnt(left)
	case len(tokens) == 0:
		return nil, noRobot(t)
	}
	return tokens, nil
}

// notBurningStandby is what is to be said of the standby robot, which most teams do not have, after burning its token failed with
// err: it is named only if Quay has it. Where that is not known, the first robot's failure says enough.
func (s Services) notBurningStandby(ctx context.Context, name string, err error, first bool) []notBurning {
	switch _, looked := s.Quay.Robot(ctx, name); {
	case looked == nil:
		return []notBurning{{name, err}}
	case quay.IsNotFound(looked), first:
		return nil
	}
	return []notBurning{{"", err}}
}

// notBurnt is the error where the tokens of robots may be good still.
func notBurnt(left []notBurning) error {
	problems, worst := []string{}, left[0]
	for _, l := range left {
		if quay.IsUnsure(worst.err) && !quay.IsUnsure(l.err) {
			worst = l
		}
		problems = append(problems, l.problem())
	}
	err := worst.err
	e := &Error{Problem: strings.Join(problems, ", and "), Err: err, Next: nextBurn(err)}
	refused := (*quay.Error)(nil)
	switch {
	case quay.IsBlocked(err), errors.As(err, &refused) && (refused.Status == http.StatusForbidden || refused.Status == http.StatusUnauthorized):
		e.Reason = ReasonNoRight
	case errors.Is(err, context.DeadlineExceeded):
		e.Reason = ReasonTimeout
	}
	return e
}

func (n notBurning) problem() string {
	switch {
	case n.robot == "":
		return "it is not known whether the team has a second robot, whose token would be good still"
	case quay.IsUnsure(n.err):
		return fmt.Sprintf("it is not known whether the token of %q was burnt", n.robot)
	}
	return fmt.Sprintf("the token of %q was NOT burnt", n.robot)
}

// nextBurn is what a person does next where burning a token ended with err.
func nextBurn(err error) string {
	hint := quay.Next(err)
	switch {
	case hint != "", errors.Is(err, context.Canceled):
	case quay.IsUntrusted(err):
		hint = "see whether Quay runs there, --quay-url is its address and --quay-ca-file its authority"
	case errors.Is(err, context.DeadlineExceeded):
		hint = "see what keeps it waiting, or give it longer with --timeout"
	case quay.IsUnreachable(err):
		hint = "see whether Quay runs there; --quay-url is its address"
	}
	switch {
	case quay.IsUnsure(err):
		return "run this again at once: it burns again. If that ends the same, regenerate the token in Quay's own pages at once" + after("; ", hint)
	case quay.IsUnreachable(err):
		return hint + "; run this again at once, or regenerate the token in Quay's own pages"
	}
	return "regenerate it in Quay's own pages at once, then run this again" + after(", for which: ", hint)
}

// after is the text after a separator; empty if there is no text.
func after(separator, text string) string {
	if text == "" {
		return ""
	}
	return separator + text
}
