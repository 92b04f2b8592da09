package robot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/comptech-lab/quay-push/pkg/dockerconfig"
	"github.com/comptech-lab/quay-push/pkg/shown"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// checkShared refuses a credential or a path that is another team's as well: to rotate the one would end the other's pushes.
func (a *adoption) checkShared(ctx context.Context) (bool, string, error) {
	shared, unseen := []string{}, []string{}
	var noting sync.Mutex
	err := each(ctx, len(a.opts.Others), func(ctx context.Context, i int) error {
		with, err := a.sharedWith(ctx, a.opts.Others[i])
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		noting.Lock()
		defer noting.Unlock()
		if with != "" {
			shared = append(shared, with)
		} else if err != nil {
			unseen = append(unseen, fmt.Sprintf("%s (%v)", a.opts.Others[i].Team, err))
		}
		return nil
	})
	slices.Sort(shared)
	slices.Sort(unseen)
	switch {
	case err != nil:
		return false, "", err
	case len(shared) > 0:
		return false, "", &Error{Reason: ReasonRefused, Problem: "another team has the same:" + list("", shared),
			Next: "run onboard for the teams that have it by mistake, which makes each a robot of its own; then run it again"}
	case len(unseen) > 0:
		return false, "", &warned{fmt.Sprintf("%d of %d other teams could not be looked at:%s", len(unseen), len(a.opts.Others), list("", unseen)), "run tkn quay verify --all, which looks at all of them"}
	}
	return true, fmt.Sprintf("none of %d others has", len(a.opts.Others)), nil
}

// sharedWith says what another team has that is this one's; empty if that is nothing.
func (a *adoption) sharedWith(ctx context.Context, other Tenant) (string, error) {
	if other.VaultPath != "" && (other.VaultPath == a.VaultPath || other.VaultPath == a.opts.VaultPath) {
		return fmt.Sprintf("team %q reads %q in Vault", other.Team, other.VaultPath), nil
	}
	if other.Keyless {
		return "", nil
	}
	name := other.Namespace + "/" + other.Secret
	secret, err := a.Cluster.Secret(ctx, other.Namespace, other.Secret)
	var unread error
	switch {
	case err == nil:
		found, err := other.carried(secret)
		switch {
		case err == nil && (found.Username == a.active.username || found.Password().Equal(a.active.token)):
			return fmt.Sprintf("Secret %q of team %q has %s", name, other.Team, shown.User(found.Username)), nil
		case err != nil && !errors.Is(err, dockerconfig.ErrNoEntry):
			// What it has may be the same, and its path in Vault can still tell.
			unread = fmt.Errorf("reading Secret %q: %w", name, err)
		}
	case !errors.Is(err, ErrNotFound):
		return "", err
	}
	if other.VaultPath == "" {
		return "", unread
	}
	found, err := a.Vault.Read(ctx, other.VaultPath)
	if errors.Is(err, vault.ErrNotFound) {
		return "", unread
	} else if c := credentialOf(found.Data); err == nil && (c.username == a.active.username || c.token.Equal(a.active.token)) {
		return fmt.Sprintf("the path %q of team %q has %s", other.VaultPath, other.Team, shown.User(c.username)), nil
	}
	return "", cmp.Or(err, unread)
}

// checkOthers warns of robots that the first rotation ends beside the adopted one: they have names of the team's.
func (a *adoption) checkOthers(context.Context) (bool, string, error) {
	holding := []string{}
	for _, other := range a.accounts {
		if held := other.holds(); held != "" && other.Name != a.active.username && a.own(other) {
			holding = append(holding, fmt.Sprintf("%q has %s", other.Name, held))
		}
	}
	if len(holding) > 0 {
		return false, "", &warned{"the team has other robots:" + list("", holding), "verify names them until rotate has ended them, too: give what pushes with one another robot first"}
	}
	return true, "none", nil
}

// checkSettings refuses a Vault that would lose the credential, or what a rotation leaves undone.
func (a *adoption) checkSettings(ctx context.Context) (bool, string, error) {
	return true, "no setting is known that loses any", a.checkKept(ctx, a.Tenant)
}

// checkOld warns of tokens of before. They are deleted by rotate alone.
func (a *adoption) checkOld(ctx context.Context) (bool, string, error) {
	metadata, err := a.Vault.Metadata(ctx, a.VaultPath)
	old := slices.DeleteFunc(metadata.Live, func(n int) bool { return n == metadata.Current })
	if err == nil && len(old) > 0 {
		err = &warned{fmt.Sprintf("versions %v can be read", old), "verify names them as old-tokens until rotate has destroyed them"}
	}
	return true, "none can", err
}

// checkSecret refuses a Secret that External Secrets could not take over, or that would lose something by that.
func (a *adoption) checkSecret(ctx context.Context) (bool, string, error) {
	secret, err := a.Cluster.Secret(ctx, a.Namespace, a.Secret)
	if errors.Is(err, ErrNotFound) {
		return true, "there is none yet", nil
	} else if err != nil {
		return false, "", err
	}
	_, rendered := a.Cluster.ExternalSecret(ctx, a.Namespace, a.Secret)
	refuse := func(next, format string, args ...any) (bool, string, error) {
		return false, "", &Error{Reason: ReasonRefused, Problem: fmt.Sprintf("Secret %q ", a.Namespace+"/"+a.Secret) + fmt.Sprintf(format, args...), Next: next}
	}
	const again = "delete it once the credential is in Vault, from where External Secrets makes it again: pushes fail in between; then run it again"
	match, others, err := a.entry(secret)
	switch {
	case secret.Type != secretType:
		return refuse(again, "has the type %q, which never changes, and not %q", secret.Type, secretType)
	case secret.Owner != "":
		return refuse("delete that, from Git first, with kubectl delete --cascade=orphan, by which the Secret stays; then run it again", "is kept by %s, and External Secrets takes over none of another's", secret.Owner)
	case secret.Immutable:
		return refuse(again, "is immutable, and never takes over a new token")
	case err != nil:
		return refuse(again, "cannot be used: %v", err)
	case len(others) > 0:
		return refuse("keep those in a Secret of their own, and have what needs them use that; then take them out of this one and run it again",
			"has credentials of others besides %s, which what is rendered has not:%s", match.Key, list("", others))
	case !a.active.same(match.Credential) && rendered != nil:
		return refuse("see which of them the team pushes with, and give that place alone; if nothing pushes with the Secret, delete it",
			"has another credential, of %s, than %s, and none is overwritten", shown.QuotedRobot(match.Credential.Username), a.where)
	case !a.active.same(match.Credential):
		return false, "", &warned{"it has another token than " + a.where, "External Secrets renders it again, at the latest in an hour"}
	}
	return true, fmt.Sprintf("it has the same, for %q", match.Key), nil
}

// checkExternalSecret refuses an ExternalSecret that the one that is rendered would not simply replace.
func (a *adoption) checkExternalSecret(ctx context.Context) (bool, string, error) {
	e, err := a.Cluster.ExternalSecret(ctx, a.Namespace, a.Secret)
	orphan := fmt.Sprintf("see who wrote it; delete it, from Git first, with kubectl delete externalsecret %s --namespace %s --cascade=orphan, by which its Secret stays; then run it again",
		a.Secret, a.Namespace)
	refuse := func(what string) (bool, string, error) {
		return false, "", &Error{Reason: ReasonRefused, Problem: fmt.Sprintf("ExternalSecret %q %s", a.Namespace+"/"+a.Secret, what), Next: orphan}
	}
	switch {
	case errors.Is(err, ErrNotFound):
		return true, "there is none yet: it is in what is rendered", nil
	case err != nil:
		return false, "", err
	case e.Odd != "":
		return refuse("does not read one path in Vault alone: " + e.Odd)
	case strings.HasPrefix(e.Frozen, "spec.target."):
		return refuse("has a target that what is rendered does not replace: " + e.Frozen)
	case e.Path != a.VaultPath && e.Path != a.opts.VaultPath:
		return refuse(fmt.Sprintf("reads %q", e.Path))
	case e.Path != a.VaultPath:
		return true, fmt.Sprintf("it reads %q; what is rendered reads %q, where the same is", e.Path, a.VaultPath), nil
	}
	return true, fmt.Sprintf("it reads %q", e.Path), nil
}
