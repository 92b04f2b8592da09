package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/secret"
)

// ServiceAccount implements robot.Cluster.
func (c *cluster) ServiceAccount(ctx context.Context, namespace, name string) (robot.ServiceAccount, error) {
	found, err := c.Kube.CoreV1().ServiceAccounts(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return robot.ServiceAccount{}, reading("ServiceAccount", namespace, name, err)
	}
	mounts := found.AutomountServiceAccountToken == nil || *found.AutomountServiceAccountToken
	team, _ := c.teamOf(name) // Nobody asks for one of another name, and none would be its robot.
	inUse := c.config.Names(team).RobotInUse(found.Annotations[v1alpha1.AnnotationRobot], found.Annotations[v1alpha1.AnnotationSuccessor])
	return robot.ServiceAccount{Robot: inUse, Mounts: mounts, Version: found.ResourceVersion}, nil
}

// NameRobot implements robot.Cluster. It leaves alone what the ServiceAccount was onboarded with, which may be in Git.
func (c *cluster) NameRobot(ctx context.Context, namespace, name, successor, version string, dryRun bool) error {
	metadata := map[string]any{"annotations": map[string]string{v1alpha1.AnnotationSuccessor: successor}}
	if version != "" {
		metadata["resourceVersion"] = version
	}
	patch, err := json.Marshal(map[string]any{"metadata": metadata})
	if err != nil {
		return err
	}
	opts := metav1.PatchOptions{FieldManager: fieldManager}
	if dryRun {
		opts.DryRun = []string{metav1.DryRunAll}
	}
	_, err = c.Kube.CoreV1().ServiceAccounts(namespace).Patch(ctx, name, types.MergePatchType, patch, opts)
	what := fmt.Sprintf("naming robot %q in ServiceAccount %q", successor, namespace+"/"+name)
	switch {
	// A policy answers with either.
	case apierrs.IsForbidden(err), apierrs.IsInvalid(err):
		return &robot.Error{Reason: robot.ReasonNoRight, Problem: what, Err: err,
			Next: "get the right to patch ServiceAccounts there, and the verb onboard or rotate on the team, see docs/cli.md#what-it-needs-to-be-allowed"}
	case apierrs.IsConflict(err):
		return fmt.Errorf("%s: %w: %v", what, robot.ErrChanged, err)
	case apierrs.IsNotFound(err):
		return fmt.Errorf("%s: %w", what, robot.ErrNotFound)
	case err != nil:
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// ServiceAccountToken implements robot.Cluster. It asks for what the controller asks for.
func (c *cluster) ServiceAccountToken(ctx context.Context, namespace, name string) (secret.Value, error) {
	lifetime := int64(600)
	answer, err := c.Kube.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, name, &authenticationv1.TokenRequest{
		Spec: authenticationv1.TokenRequestSpec{Audiences: []string{c.config.Audience()}, ExpirationSeconds: &lifetime}}, metav1.CreateOptions{})
	switch {
	// A policy answers with either.
	case apierrs.IsForbidden(err), apierrs.IsInvalid(err):
		return secret.Value{}, fmt.Errorf("asking for a token of ServiceAccount %q: %w: %v", namespace+"/"+name, robot.ErrTokenWithheld, err)
	case apierrs.IsNotFound(err):
		return secret.Value{}, fmt.Errorf("asking for a token of ServiceAccount %q: %w", namespace+"/"+name, robot.ErrNotFound)
	case err != nil:
		return secret.Value{}, fmt.Errorf("asking for a token of ServiceAccount %q: %w", namespace+"/"+name, err)
	}
	return secret.New(strings.TrimSpace(answer.Status.Token)), nil
}

// keyless lists the teams that have a ServiceAccount in custody. Without custody there are none.
func (c *cluster) keyless(ctx context.Context) ([]robot.Tenant, error) {
	namespace, found := c.config.CustodyNamespace, []robot.Tenant{}
	if namespace == "" {
		return found, nil
	}
	var odd error
	err := eachPage(ctx, func(ctx context.Context, opts metav1.ListOptions) (runtime.Object, error) {
		return c.Kube.CoreV1().ServiceAccounts(namespace).List(ctx, opts)
	}, func(o runtime.Object) {
		account := o.(*corev1.ServiceAccount)
		team, ok := c.teamOf(account.Name)
		if !ok || odd != nil {
			return
		}
		var t robot.Tenant
		t, odd = c.keylessTenant(team, account.Labels[c.config.DivisionLabel], account.Labels[c.config.AppLabel])
		found = append(found, t)
	})
	if err == nil {
		err = odd
	}
	if err != nil {
		return nil, fmt.Errorf("listing ServiceAccounts of keyless teams in namespace %q: %w", namespace, err)
	}
	return found, nil
}

// keylessTenant is a keyless team. Where division or app are no names, its path in Vault is not known.
func (c *cluster) keylessTenant(team, division, app string) (robot.Tenant, error) {
	t, err := robot.NewTenant(c.config.Convention, team, division, app)
	if err != nil {
		t, err = robot.TenantAt(c.config.Convention, team, "")
	}
	t.Namespace, t.Keyless = c.config.CustodyNamespace, true
	return t, err
}
