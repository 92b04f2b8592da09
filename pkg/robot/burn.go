package robot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/quay"
)

// harmful is what may be good still of a robot that was to be disarmed.
type harmful struct {
	// robot is its name, what is "rights", "token" or "federation"; both are empty where it is not known which robots there are.
	robot, what string
	err         error
}

// maxPasses is how often the rights are taken, where new ones come meanwhile.
const maxPasses = 3

// unseen is why it is not known whether a right is left.
type unseen struct{ error }

func (e *unseen) Unwrap() error { return e.error }

// unsure reports whether err leaves open what was done.
func unsure(err error) bool {
	return errors.As(err, new(*unseen)) || quay.IsUnsure(err)
}

// disarm takes the rights of every robot that is to go, then burns their tokens, and returns their names. That one of it fails keeps
// the rest from nothing: everything that may be good still is in the error.
func (r *retirement) disarm(ctx context.Context) ([]string, error) {
	left, err := r.left(ctx)
	if err != nil {
		return nil, r.notDisarmed([]harmful{{err: err}})
	}
	names, harms := []string{}, []harmful{}
	taking, now, looked := map[string]error{}, left, error(nil)
	// What Quay shows afterwards counts: the answer to a request that did its work may have been lost, and a repository that is made
	// meanwhile gives a role to whoever had the default permission.
	for range maxPasses {
		taking = r.takeEach(ctx, now)
		if now, looked = r.left(ctx); looked != nil || !slices.ContainsFunc(now, func(a account) bool { return a.holds() != "" }) {
			break
		}
	}
	burning, distrusting := r.burnEach(ctx, left), r.distrustEach(ctx, left)
	for _, a := range left {
		names = append(names, a.Name)
		for _, team := range a.elsewhere {
			r.elsewhere = append(r.elsewhere, fmt.Sprintf("%q through team %q of another organization", a.Name, team))
		}
		err := taking[a.Name]
		switch seen := named(now, a.Name); {
		case looked != nil:
			err = cmp.Or(err, error(&unseen{looked}))
		case seen == nil || seen.holds() == "":
			err = nil
		case err == nil:
			err = fmt.Errorf("it still has %s", seen.holds())
		}
		if err != nil {
			harms = append(harms, harmful{a.Name, "rights", err})
		}
		if burning[a.Name] != nil {
			harms = append(harms, harmful{a.Name, "token", burning[a.Name]})
		}
		if distrusting[a.Name] != nil {
			harms = append(harms, harmful{a.Name, "federation", distrusting[a.Name]})
		}
	}
	for what, listed := range r.foreign {
		if listed {
			r.elsewhere = append(r.elsewhere, "a right in another organization: "+what)
		}
	}
	if len(harms) > 0 {
		return names, r.notDisarmed(harms)
	}
	r.powerless = r.quayNow().UTC()
	return names, nil
}

// notDisarmed is the error where something of a robot may be good still.
func (r *retirement) notDisarmed(harms []harmful) error {
	problems, worst := []string{}, harms[0]
	for _, h := range harms {
		if unsure(worst.err) && !unsure(h.err) {
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
	case h.what == "rights" && unsure(h.err):
		return fmt.Sprintf("it is not known whether the rights of %q were taken", h.robot)
	case h.what == "rights":
		return fmt.Sprintf("the rights of %q were NOT taken", h.robot)
	case h.what == "federation" && unsure(h.err):
		return fmt.Sprintf("it is not known whether %q still trusts the team's ServiceAccount", h.robot)
	case h.what == "federation":
		return fmt.Sprintf("robot %q still trusts the team's ServiceAccount", h.robot)
	case unsure(h.err):
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
	case unsure(err):
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
