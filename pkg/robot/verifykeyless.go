package robot

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/federation"
	"github.com/comptech-lab/quay-push/pkg/quay"
)

// keylessVerification is one run of Verify of a keyless team.
type keylessVerification struct {
	*verification
	trust *trust
	// trusts says that the robot trusts the ServiceAccount.
	trusts bool
}

func (k *keylessVerification) looks(repositories, foreign []string) []func(context.Context) error {
	k.because = checkKeylessRobot
	k.trust = &trust{Services: k.Services, Tenant: k.Tenant, robot: func() string { return k.report.Robot }, repositories: func() []string { return repositories }}
	return []func(context.Context) error{k.lookAtQuay, k.lookAtAccount, k.lookAtRobot, k.lookAtTrust, k.lookAtTrustedOnce, k.lookAtDefault,
		func(ctx context.Context) error { return k.lookAtRights(ctx, repositories, foreign) }, k.lookAtExchange, k.lookAtStored, k.lookAtOthers}
}

func (k *keylessVerification) lookAtAccount(ctx context.Context) error {
	account, err := k.Cluster.ServiceAccount(ctx, k.Namespace, k.Tenant.Secret)
	name := k.Namespace + "/" + k.Tenant.Secret
	switch {
	case errors.Is(err, ErrNotFound):
		k.add(checkAccount, false, "there is no ServiceAccount %q", name)
	case err != nil:
		return err
	case !k.OwnsRobot(account.Robot):
		k.add(checkAccount, false, "ServiceAccount %q names %q, which is no robot of team %q", name, account.Robot, k.Team)
	default:
		k.report.Robot = account.Robot
		k.add(checkAccount, !account.Mounts, "it names %q; Pods that are it get a token of it: %t", account.Robot, account.Mounts)
	}
	return nil
}

func (k *keylessVerification) lookAtRobot(ctx context.Context) error {
	if k.report.Robot == "" {
		k.skip(checkKeylessRobot, checkAccount)
		return nil
	}
	robot, err := k.Quay.Robot(ctx, k.report.Robot)
	switch {
	case quay.IsNotFound(err):
		k.add(checkKeylessRobot, false, "there is no robot %q in Quay", k.report.Robot)
	case quay.IsForbidden(err):
		k.skip(checkKeylessRobot, checkOrganization)
	case err != nil:
		return err
	default:
		if k.robots, err = k.accounts(ctx, k.Tenant); err != nil {
			return err
		}
		k.robot = &robot
		k.add(checkKeylessRobot, true, "%q exists", robot.Name)
	}
	return nil
}

// lookAtTrust compares whom the robot trusts with the cluster's own issuer, character by character, as Quay does.
func (k *keylessVerification) lookAtTrust(ctx context.Context) error {
	if k.robot == nil {
		k.skip(checkTrust, checkKeylessRobot)
		return nil
	}
	issuer, err := k.Issuer(ctx)
	if err != nil {
		c := checkTrust.with(Skipped, err.Error())
		c.Next = "give the issuer's name with --issuer"
		k.append(c)
		return nil
	}
	k.trust.issuer = issuer
	kind, own, exact, detail := checkTrust, (*Error)(nil), false, ""
	if problem, next := federation.RefusalOf(issuer); problem != "" {
		kind.next, detail = next, problem
	} else if exact, detail, err = k.trust.check(ctx); errors.As(err, &own) {
		kind.next, detail = own.Next, problemOf(own, own.Next)
	} else if err != nil {
		return err
	}
	k.trusts = exact
	k.add(kind, exact, "%s", detail)
	return nil
}

// lookAtTrustedOnce looks whether a token of the ServiceAccount is good for another robot.
func (k *keylessVerification) lookAtTrustedOnce(ctx context.Context) error {
	if !k.trusts {
		k.skip(checkTrustedOnce, checkTrust)
		return nil
	}
	robots, err := k.Quay.Robots(ctx, k.Organization)
	if err != nil {
		return err
	}
	others := []string{}
	for _, r := range robots {
		if r.Name == k.report.Robot {
			continue
		}
		trusted, err := k.Quay.Federation(ctx, r.Name)
		if err != nil && !quay.IsNotFound(err) {
			return err
		}
		for _, one := range trusted {
			if one == k.trust.wanted() {
				others = append(others, fmt.Sprintf("%q", r.Name))
			}
		}
	}
	k.add(checkTrustedOnce, len(others) == 0, "asked about %d other robots%s", len(robots)-1, list("; it is trusted by", others))
	return nil
}

// lookAtExchange does what the controller does for each run, where the caller may: mostly the controller alone may.
func (k *keylessVerification) lookAtExchange(ctx context.Context) error {
	if !k.trusts {
		k.skip(checkExchange, checkTrust)
		return nil
	}
	proved, detail, err := k.trust.exchanged(ctx)
	kind, failed, own := checkExchange, (*federation.Error)(nil), (*Error)(nil)
	switch {
	case errors.As(err, &failed):
		kind.next = failed.Next
		k.add(kind, false, "%s", problemOf(failed, failed.Next))
	case errors.As(err, &own):
		kind.next = own.Next
		k.add(kind, false, "%s", problemOf(own, own.Next))
	case err != nil:
		return err
	case proved:
		k.add(kind, true, "%s", detail)
	default:
		// No finding: config/custody lets nobody but the controller have such a token.
		k.report.Unproved = append(k.report.Unproved, kind.id+": "+detail+"; the condition of the team's next run says whether it works")
	}
	return nil
}

// lookAtStored looks for what a keyless team does not have.
func (k *keylessVerification) lookAtStored(ctx context.Context) error {
	found, err := k.storedIn(ctx, k.Tenant)
	if err != nil {
		return err
	}
	switch {
	case len(found) > 0:
		k.add(checkNoStored, false, "%s", strings.Join(found, ", "))
	case k.VaultPath == "":
		c := checkNoStored.with(Skipped, "the labels of the ServiceAccount do not name division and app, so that the path in Vault is not known")
		c.Next = "give --division and --app, or apply the ServiceAccount as onboard renders it"
		k.append(c)
	default:
		k.add(checkNoStored, true, "there is nothing at %q in Vault, and no Secret or ExternalSecret %q", k.VaultPath, k.Namespace+"/"+k.Tenant.Secret)
	}
	return nil
}
