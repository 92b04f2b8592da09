package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/comptech-lab/quay-push/pkg/robot"
)

// checkOwnership fails unless namespace can be that of team: it is no namespace of the platform's and has no other team's label. One
// that does not exist yet can be, and so can none.
func (c *cluster) checkOwnership(ctx context.Context, team, namespace string) error {
	if namespace == "" {
		return nil
	}
	if err := checkNamespaceName(namespace); err != nil {
		return err
	}
	if use := c.usedBy(namespace); use != "" {
		return &robot.Error{Reason: robot.ReasonRefused, Problem: fmt.Sprintf("namespace %q cannot be that of team %q: %s", namespace, team, use),
			Next: "give the team a namespace of its own with --namespace; without it, its runs are in the shared namespaces"}
	}
	found, err := c.Kube.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{})
	if apierrs.IsNotFound(err) {
		return nil
	} else if err != nil {
		return fmt.Errorf("reading namespace %q: %w", namespace, err)
	}
	if label := found.Labels[c.config.TeamLabel]; label != "" && c.owner(found) != team {
		return &robot.Error{Reason: robot.ReasonRefused, Problem: fmt.Sprintf("namespace %q is not that of team %q: its label %s is %q", namespace, team, c.config.TeamLabel, label),
			Next: "use another namespace; if it is this team's now, let its owner take the label off first"}
	}
	return nil
}

// usedBy says what the platform uses a namespace for; empty if it does not.
func (c *cluster) usedBy(namespace string) string {
	accounts := slices.ContainsFunc(c.config.TektonAccounts, func(account string) bool { return strings.HasPrefix(account, namespace+":") })
	switch {
	case namespace == systemNamespace:
		return "quay-push is installed there"
	case slices.Contains(c.config.SharedNamespaces, namespace):
		return "it is shared, by shared-namespaces in config-tenancy"
	case namespace == c.config.CustodyNamespace, namespace == c.config.SecretNamespace:
		return "the robots' Secrets are there"
	case namespace == c.config.TaskNamespace, slices.Contains(c.config.PipelineNamespaces, namespace):
		return "the platform's Tasks and Pipelines are there"
	case accounts:
		return "Tekton is installed there"
	case namespace == "default", namespace == "openshift", strings.HasPrefix(namespace, "kube-"), strings.HasPrefix(namespace, "openshift-"):
		return "it is the cluster's own"
	}
	return ""
}

// checkNamespaceName refuses what cannot be the name of a namespace.
func checkNamespaceName(name string) error {
	if problems := validation.IsDNS1123Label(name); len(problems) > 0 {
		return usagef("use lower case letters, digits and -", "--namespace %q cannot be the name of a namespace", name)
	}
	return nil
}
