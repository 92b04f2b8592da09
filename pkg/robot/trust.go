package robot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/federation"
	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/shown"
)

// trust is that of a robot in a keyless team's ServiceAccount, and in nobody else.
type trust struct {
	Services
	Tenant
	issuer string
	robot  func() string
	// repositories are the team's.
	repositories func() []string
	// replaced are those that the robot trusted besides, before this run.
	replaced []quay.Trusted
}

// Subject is the name of the team's ServiceAccount in tokens of it.
func (t Tenant) Subject() string { return "system:serviceaccount:" + t.Namespace + ":" + t.Secret }

// wanted is the one that the robot is to trust.
func (t *trust) wanted() quay.Trusted { return quay.Trusted{Issuer: t.issuer, Subject: t.Subject()} }

// trusted are those that the robot trusts. A Quay that knows of no such thing is an *Error.
func (t *trust) trusted(ctx context.Context) ([]quay.Trusted, error) {
	found, err := t.Quay.Federation(ctx, t.robot())
	if errors.Is(err, quay.ErrNoFederation) {
		err = noFederation(err)
	}
	return found, err
}

// noFederation is the error for a Quay in which no robot can trust anybody.
func noFederation(err error) error {
	return &Error{Reason: ReasonRefused, Problem: "no team can be keyless", Err: err,
		Next: "upgrade Quay to 3.13 or newer, or onboard the team without --keyless; if it is newer, see what answers in front of it"}
}

// checkAlone refuses a robot that trusts a ServiceAccount of the same name in another cluster: that cluster's pushes would end.
func (t *trust) checkAlone(ctx context.Context) error {
	found, err := t.trusted(ctx)
	if quay.IsNotFound(err) {
		return nil
	}
	for _, one := range found {
		if one.Subject == t.Subject() && one.Issuer != t.issuer {
			return &Error{Reason: ReasonRefused, Problem: fmt.Sprintf("robot %q trusts %s, which is another cluster's; this one has issuer %q", t.robot(), names([]quay.Trusted{one})[0], shown.Short(t.issuer)),
				Next: "a team is keyless in one cluster; if this one had that issuer before, take the entry out of the robot's federation in Quay, then run this again"}
		}
	}
	return err
}

func (t *trust) task() task {
	return task{id: "federation", title: fmt.Sprintf("have the robot trust ServiceAccount %q, and nobody else", t.Namespace+"/"+t.Secret), reason: ReasonConflict,
		next: "see in Quay who else sets the robot's federation, then run this again", check: t.check,
		do: func(ctx context.Context) error {
			found, err := t.trusted(ctx)
			if err != nil {
				return err
			}
			t.replaced = slices.DeleteFunc(found, func(one quay.Trusted) bool { return one == t.wanted() })
			return t.Quay.SetFederation(ctx, t.robot(), t.wanted())
		}}
}

// check is done when the robot trusts the ServiceAccount alone.
func (t *trust) check(ctx context.Context) (bool, string, error) {
	found, err := t.trusted(ctx)
	if err != nil {
		return false, "", err
	}
	exact, detail := t.exact(found)
	if exact && len(t.replaced) > 0 {
		detail += "; it does not trust any more" + list("", names(t.replaced))
	}
	return exact, detail, nil
}

// exact reports whether found is the ServiceAccount alone, and says what it is instead.
func (t *trust) exact(found []quay.Trusted) (bool, string) {
	others := slices.DeleteFunc(slices.Clone(found), func(one quay.Trusted) bool { return one == t.wanted() })
	switch {
	case len(found) == 0:
		return false, "it trusts nobody"
	case len(others) == len(found):
		return false, fmt.Sprintf("it does not trust %s, but%s", names([]quay.Trusted{t.wanted()})[0], list("", names(others)))
	case len(others) > 0:
		return false, "it trusts others, too:" + list("", names(others))
	}
	return true, "it trusts " + names(found)[0] + " and nobody else"
}

// names are those of the trusted, as reports show them.
func names(trusted []quay.Trusted) []string {
	found := []string{}
	for _, one := range trusted {
		found = append(found, fmt.Sprintf("subject %q of issuer %q", shown.Short(one.Subject), shown.Short(one.Issuer)))
	}
	return found
}

// exchangeTask proves that Quay gives the robot's token for one of the ServiceAccount, where the caller may have one.
func (t *trust) exchangeTask() task {
	return task{id: "exchange", title: "prove that the ServiceAccount may push", reason: ReasonNoRight, next: "run it again",
		check: func(ctx context.Context) (bool, string, error) {
			if trusted, _, err := t.check(ctx); err != nil || !trusted {
				return false, "the robot does not trust it yet", err
			}
			proved, detail, err := t.exchanged(ctx)
			failed := (*federation.Error)(nil)
			if errors.As(err, &failed) {
				return false, "", &Error{Reason: ReasonNoRight, Problem: problemOf(failed, failed.Next), Next: failed.Next}
			} else if err == nil && !proved {
				detail = "not proved: " + detail
			}
			return err == nil, detail, err
		}}
}

// problemOf is what err says without the next step at its end.
func problemOf(err error, next string) string { return strings.TrimSuffix(err.Error(), "; "+next) }

// exchanged reports whether Quay gives the robot's token for one of the ServiceAccount, with the right to push. That no token is to be had
// here is no error: the detail says why it was not tried.
func (t *trust) exchanged(ctx context.Context) (bool, string, error) {
	name := t.Namespace + "/" + t.Secret
	token, err := t.Cluster.ServiceAccountToken(ctx, t.Namespace, t.Secret)
	switch {
	case errors.Is(err, ErrNotFound):
		return false, fmt.Sprintf("there is no ServiceAccount %q yet; apply it, then run tkn quay verify %s", name, t.Team), nil
	case errors.Is(err, ErrTokenWithheld):
		return false, fmt.Sprintf("you may have no token of ServiceAccount %q, as the controller alone may", name), nil
	case err != nil:
		return false, "", err
	}
	password, err := t.Exchange(ctx, t.robot(), token)
	if err != nil {
		return false, "", err
	}
	rights, err := t.Quay.Rights(ctx, t.robot(), password, t.repositories()...)
	if err != nil {
		return false, "", err
	}
	for _, repository := range t.repositories() {
		if !rights.Push(repository) {
			return false, "", &Error{Reason: ReasonNoRight, Problem: fmt.Sprintf("Quay gave a token of %q, which may not push to %q", t.robot(), repository),
				Next: "look whether the repository is read-only or a mirror"}
		}
	}
	return true, fmt.Sprintf("Quay gave a token of %q, which may push to %d repositories", t.robot(), len(t.repositories())), nil
}
