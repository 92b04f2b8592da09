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

// patch is what has the ConfigMap of now name the robot, with all that it names already.
func (n naming) patch(ctx context.Context) ([]byte, error) {
	found, err := n.Kube.CoreV1().ConfigMaps(systemNamespace).Get(ctx, config.Name, metav1.GetOptions{})
	if err != nil {
		return nil, reading("ConfigMap", systemNamespace, config.Name, err)
	}
	robots := strings.FieldsFunc(found.Data[adoptedKey], func(r rune) bool { return strings.ContainsRune(", \n\r\t", r) })
	if !slices.Contains(robots, n.robot) {
		robots = append(robots, n.robot)
	}
	return json.Marshal(map[string]any{"data": map[string]string{adoptedKey: strings.Join(robots, ", ")}})
}

// commands are what a person runs in place of apply.
func (n naming) commands(ctx context.Context) ([]string, error) {
	if n.robot == "" {
		return nil, nil
	}
	patch, err := n.patch(ctx)
	if err != nil {
		return nil, err
	}
	return []string{fmt.Sprintf("kubectl patch configmap %s --namespace %s --type merge --patch '%s'", config.Name, systemNamespace, patch)}, nil
}

// apply names the robot in the cluster; file is that of --config, which this cannot change.
func (n naming) apply(ctx context.Context, file string) error {
	if n.robot == "" {
		return nil
	}
	if file != "" {
		return usagef(fmt.Sprintf("add %s to %s there and in the cluster, or leave --config out, then run it again", n.robot, adoptedKey), "%s names no robot %q", file, n.robot)
	}
	patch, err := n.patch(ctx)
	if err != nil {
		return err
	}
	_, err = n.Kube.CoreV1().ConfigMaps(systemNamespace).Patch(ctx, config.Name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: fieldManager})
	if err != nil {
		return fmt.Errorf("naming robot %q in ConfigMap %q: %w", n.robot, systemNamespace+"/"+config.Name, err)
	}
	return nil
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
