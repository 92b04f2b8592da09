package robot

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/quay"
)

// harmful is what may be good still of a robot that was to be disarmed.
type harmful struct {
	// robot is its name, what is "rights" or "token"; both are empty where it is not known which robots there are.
	robot, what string
	err         error
}

// disarm takes the rights of every robot that is to go, then burns their tokens, and returns their names. That one of it fails keeps
// the rest from nothing: everything that may be good still is in the error.
func (r *retirement) disarm(ctx context.Context) ([]string, error) {
	left, err := r.left(ctx)
	if err != nil {
		return nil, r.notDisarmed([]harmful{{err: err}})
	}
	names, harms := []string{}, []harmful{}
	taking := r.takeEach(ctx, left)
	burning := r.burnEach(ctx, left)
	// What Quay shows now counts: the answer to a request that did its work may have been lost.
	now, looked := r.left(ctx)
	for _, a := range left {
		names = append(names, a.Name)
		for _, team := range a.elsewhere {
			r.elsewhere = append(r.elsewhere, fmt.Sprintf("%q through team %q of another organization", a.Name, team))
		}
		holds := taking[a.Name] != nil
		if seen := named(now, a.Name); looked == nil && (seen == nil || seen.holds() == "") {
			holds = false
		} else if looked == nil && taking[a.Name] == nil {
			holds, taking[a.Name] = true, fmt.Errorf("it still has %s", seen.holds())
		}
		if holds {
			harms = append(harms, harmful{a.Name, "rights", taking[a.Name]})
		}
		if burning[a.Name] != nil {
			harms = append(harms, harmful{a.Name, "token", burning[a.Name]})
		}
	}
	if len(harms) > 0 {
		return names, r.notDisarmed(harms)
	}
	r.powerless = r.now().UTC()
	return names, nil
}

// notDisarmed is the error where something of a robot may be good still.
func (r *retirement) notDisarmed(harms []harmful) error {
	problems, worst := []string{}, harms[0]
	for _, h := range harms {
		if quay.IsUnsure(worst.err) && !quay.IsUnsure(h.err) {
			worst = h
		}
		problems = append(problems, h.problem(r.Team))
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

func (h harmful) problem(team string) string {
	switch {
	case h.robot == "":
		return fmt.Sprintf("it is not known which robots team %q has, and NONE was burnt", team)
	case h.what == "rights" && quay.IsUnsure(h.err):
		return fmt.Sprintf("it is not known whether the rights of %q were taken", h.robot)
	case h.what == "rights":
		return fmt.Sprintf("the rights of %q were NOT taken", h.robot)
	case quay.IsUnsure(h.err):
		return fmt.Sprintf("it is not known whether the token of %q was burnt", h.robot)
	}
	return fmt.Sprintf("the token of %q was NOT burnt", h.robot)
}

// nextBurn is what a person does next where disarming a robot ended with err.
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
		return "run this again at once: it burns again. If that ends the same, delete the team's robots in Quay's own pages at once" + after("; ", hint)
	case quay.IsUnreachable(err):
		return hint + "; run this again at once, or delete the team's robots in Quay's own pages"
	}
	return "delete the team's robots in Quay's own pages at once, then run this again" + after(", for which: ", hint)
}

// after is the text after a separator; empty if there is no text.
func after(separator, text string) string {
	if text == "" {
		return ""
	}
	return separator + text
}
