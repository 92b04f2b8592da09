package robot

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/quay"
)

// secretType is the type of the Secret (kubernetes.io/dockerconfigjson of the Kubernetes API).
const secretType = "kubernetes.io/dockerconfigjson"

// verification is one run of Verify.
type verification struct {
	Services
	Tenant
	report Report

	// stored is what Vault has, nil if that is of no use; robot is the one in use, with Quay's token.
	stored *stored
	robot  *quay.Robot
	// robots are all of the team's; nil where they cannot be seen.
	robots []account
	// cluster is the cluster that is looked at; empty where there is one alone, and outside of any.
	cluster string
	// because is the check that failed where there is no robot to look at.
	because checkKind
}

// Verify looks at every part of a tenant's chain and changes nothing: Quay, Vault, ExternalSecret, Secret, the right to push
// to repositories and to none of foreign, which are "organization/name" and exist; nil repositories are all of the
// organization that take pushes. An error says what could not be asked; what was asked and is wrong is in the report.
func Verify(ctx context.Context, s Services, t Tenant, repositories, foreign []string) (Report, error) {
	v := newVerification(s, t)
	if repositories == nil {
		var err error
		if repositories, err = s.repositories(ctx, t.Organization); err != nil {
			return v.report, fmt.Errorf("verifying team %q: %w", t.Team, err)
		}
	}
	looks := []func(context.Context) error{v.lookAtQuay, v.lookAtVault, v.lookAtToken, v.lookAtClusters,
		v.lookAtDefault, func(ctx context.Context) error { return v.lookAtRights(ctx, repositories, foreign) }, v.lookAtOld, v.lookAtOthers, v.lookAtSettings}
	if t.Keyless {
		looks = (&keylessVerification{verification: v}).looks(repositories, foreign)
	}
	looks = append(looks, func(ctx context.Context) error { return v.lookAtAnchors(ctx, repositories) })
	for _, look := range looks {
		if err := look(ctx); err != nil {
			return v.report, fmt.Errorf("verifying team %q: %w", t.Team, err)
		}
	}
	return v.report, nil
}

func newVerification(s Services, t Tenant) *verification {
	return &verification{Services: s, Tenant: t, because: checkVaultToken, report: Report{Tenant: t.Team, Checks: []Check{}, prints: map[string]string{}}}
}

func (v *verification) add(k checkKind, ok bool, format string, args ...any) {
	status := Failed
	if ok {
		status = Passed
	}
	v.append(k.with(status, fmt.Sprintf(format, args...)))
}

func (v *verification) skip(k checkKind, because checkKind) {
	v.append(k.with(Skipped, fmt.Sprintf("see %q", because.id)))
}

func (v *verification) append(c Check) {
	c.Cluster = v.cluster
	v.report.Checks = append(v.report.Checks, c)
}

func (v *verification) lookAtQuay(ctx context.Context) error {
	o, err := v.Quay.Organization(ctx, v.Organization)
	switch {
	case quay.IsNotFound(err):
		v.add(checkOrganization, false, "there is no organization %q", v.Organization)
		return nil
	case err != nil:
		return err
	}
	if !o.Admin {
		return notOwner(v.Organization)
	}
	v.add(checkOrganization, true, "%q exists, and the OAuth token administers it: true", v.Organization)
	return nil
}

func (v *verification) lookAtDefault(context.Context) error {
	a := named(v.robots, v.report.Robot)
	if v.robot == nil || a == nil {
		v.skip(checkDefault, v.because)
		return nil
	}
	ok, detail := givesWrite(forEverybody(a.defaults))
	v.add(checkDefault, ok, "%s", detail)
	return nil
}

// lookAtRights asks with the token of Quay: what Vault and the Secret have is compared elsewhere.
func (v *verification) lookAtRights(ctx context.Context, repositories, foreign []string) error {
	if v.robot == nil {
		v.skip(checkPush, v.because)
		v.skip(checkForeign, v.because)
		return nil
	}
	rights, err := v.Quay.Rights(ctx, v.robot.Name, v.robot.Token, slices.Concat(repositories, foreign)...)
	if err != nil {
		return err
	}
	lacking, reached := []string{}, []string{}
	for _, repository := range repositories {
		if !rights.Push(repository) {
			lacking = append(lacking, repository)
		}
	}
	for _, repository := range foreign {
		if rights.Push(repository) {
			reached = append(reached, repository)
		}
	}
	v.add(checkPush, len(lacking) == 0, "%d of %d repositories%s", len(repositories)-len(lacking), len(repositories), list("; not", lacking))
	v.add(checkForeign, len(reached) == 0, "asked about %d repositories of others%s", len(foreign), list("; it may push to", reached))
	return nil
}

// list is the first of names behind a word; empty if there are none.
func list(word string, names []string) string {
	const most = 5
	switch {
	case len(names) == 0:
		return ""
	case len(names) > most:
		return fmt.Sprintf("%s %s and %d more", word, strings.Join(names[:most], ", "), len(names)-most)
	}
	return word + " " + strings.Join(names, ", ")
}
