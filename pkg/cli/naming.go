package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"

	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/robot"
)

// adoptedKey is the key of config-tenancy with the robots of other names.
const adoptedKey = "adopted-robots"

// naming has config-tenancy name a robot that was adopted, where it is none that every team may have: until then the controller takes it for
// nobody's.
type naming struct {
	*cluster
	robot string
}

// newNaming names the robot of a team, unless that has a name already.
func newNaming(view *cluster, team, robot string) naming {
	if view.config.Names(team).OwnsRobot(robot) {
		robot = ""
	}
	return naming{view, robot}
}

// commands are what a person runs in place of apply. The list is read when the command runs: by then it may name others.
func (n naming) commands() []string {
	if n.robot == "" {
		return nil
	}
	of := fmt.Sprintf("configmap %s --namespace %s", config.Name, systemNamespace)
	return []string{fmt.Sprintf(`adopted=$(kubectl get %[1]s --output jsonpath='{.data.%[2]s}') && kubectl patch %[1]s --type merge --patch "{\"data\":{\"%[2]s\":\"$(echo $adopted) %[3]s\"}}"`,
		of, adoptedKey, n.robot)}
}

// apply names the robot in the cluster; file is that of --config, which this cannot change.
func (n naming) apply(ctx context.Context, file string) error {
	if n.robot == "" {
		return nil
	}
	if file != "" {
		return usagef(fmt.Sprintf("add %s to %s there and in the cluster, or leave --config out, then run it again", n.robot, adoptedKey), "%s names no robot %q", file, n.robot)
	}
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error { return n.add(ctx) })
	what := fmt.Sprintf("naming robot %q in ConfigMap %q", n.robot, systemNamespace+"/"+config.Name)
	if apierrs.IsConflict(err) {
		return &failure{ExitConflict, fmt.Sprintf("%s: %v", what, err), "see who changes it all the time, then run it again"}
	} else if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// add names the robot besides those that the ConfigMap names now. The error is a conflict where somebody changed that in between, who may
// have named another.
func (n naming) add(ctx context.Context) error {
	maps := n.Kube.CoreV1().ConfigMaps(systemNamespace)
	found, err := maps.Get(ctx, config.Name, metav1.GetOptions{})
	if err != nil {
		return reading("ConfigMap", systemNamespace, config.Name, err)
	}
	robots := config.Fields(found.Data[adoptedKey])
	if slices.Contains(robots, n.robot) {
		return nil
	}
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]string{"resourceVersion": found.ResourceVersion},
		"data":     map[string]string{adoptedKey: strings.Join(append(robots, n.robot), ", ")},
	})
	if err != nil {
		return err
	}
	_, err = maps.Patch(ctx, config.Name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: fieldManager})
	return err
}

// lookAtStore warns where no SecretStore is there with which External Secrets could read the team's path; nil where one is.
func (c *cluster) lookAtStore(ctx context.Context, t robot.Tenant) (*robot.Step, error) {
	_, err := c.Dynamic.Resource(secretStores).Namespace(t.Namespace).Get(ctx, c.config.SecretStore, metav1.GetOptions{})
	if !apierrs.IsNotFound(err) {
		if apierrs.IsForbidden(err) {
			return nil, nil // It is the platform's, which may be somebody else.
		}
		return nil, err
	}
	return &robot.Step{ID: "secret-store", Title: "see that External Secrets has its way to Vault there", State: robot.Warned,
		Detail: fmt.Sprintf("there is no SecretStore %q: render it with tkn quay onboard platform, with --namespace for each namespace that has one", t.Namespace+"/"+c.config.SecretStore)}, nil
}
