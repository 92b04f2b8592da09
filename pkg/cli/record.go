package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/comptech-lab/quay-push/pkg/fleet"
	"github.com/comptech-lab/quay-push/pkg/robot"
)

// addRecordFlag defines the flag of a command that leaves its result for the controller's metrics.
func addRecordFlag(cmd *cobra.Command, record *bool, name string) {
	cmd.Flags().BoolVar(record, "record", false, fmt.Sprintf("with --all: leave the result in ConfigMap %s/%s, for the metrics (docs/fleet.md)", systemNamespace, name))
}

// checkRecord refuses to record what is not about all teams.
func checkRecord(record, all bool) error {
	if record && !all {
		return usagef("leave --record out, or name no team and give --all", "--record is for --all: what is known of one team says nothing of the others")
	}
	return nil
}

// recordVerification leaves what verify found of all teams.
func (c *connection) recordVerification(ctx context.Context, reports []robot.Report) error {
	v := fleet.NewVerification(c.program.Now())
	for _, r := range reports {
		checks := map[string]string{}
		for _, check := range r.Checks {
			// Several clusters have it: what is right in one hides nothing in another.
			if before := checks[check.ID]; before == "" || before == fleet.Passed || check.Status == robot.Failed {
				checks[check.ID] = string(check.Status)
			}
		}
		v.Add(r.Tenant, r.Written, checks)
	}
	return record(ctx, c, fleet.VerifyConfigMap, func(string) (fleet.Verification, error) { return *v, nil })
}

// lastRotation is what the last run of rotate left; zero where that cannot be read, as the record of this run says then.
func (c *connection) lastRotation(ctx context.Context) fleet.Rotation {
	clients, err := c.cluster()
	if err != nil {
		return fleet.Rotation{}
	}
	found, err := clients.Kube.CoreV1().ConfigMaps(systemNamespace).Get(ctx, fleet.RotateConfigMap, metav1.GetOptions{})
	if err != nil {
		return fleet.Rotation{}
	}
	last, _ := fleet.Decode[fleet.Rotation](found.Data[fleet.Key])
	return last
}

// recordRotation leaves what rotate did with all teams. It was good if it came to each of them.
func (c *connection) recordRotation(ctx context.Context, good bool, maxAge time.Duration, teams []robot.TeamRotation) error {
	outcomes, left := map[string]int{}, fleet.Left{}
	for _, outcome := range robot.Outcomes {
		outcomes[string(outcome)] = 0
	}
	for _, t := range teams {
		switch outcomes[string(t.Outcome)]++; {
		case t.Outcome == robot.OutcomeNotBegun:
			left.NotBegun = append(left.NotBegun, t.Team)
		case t.Err != nil:
			left.Tried = append(left.Tried, t.Team)
		}
	}
	return record(ctx, c, fleet.RotateConfigMap, func(old string) (fleet.Rotation, error) {
		// What cannot be read is replaced: the next run could not read it either.
		last, _ := fleet.Decode[fleet.Rotation](old)
		return last.After(c.program.Now(), good, maxAge, outcomes, left), nil
	})
}

// record writes what next makes of the text that the ConfigMap has. The time of the run may be up by now: what was done is
// written all the same.
func record[R fleet.Verification | fleet.Rotation](ctx context.Context, c *connection, name string, next func(old string) (R, error)) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
	defer cancel()
	clients, err := c.cluster()
	if err != nil {
		return err
	}
	configMaps := clients.Kube.CoreV1().ConfigMaps(systemNamespace)
	old, err := configMaps.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return recording("reading", name, err)
	}
	made, err := next(old.Data[fleet.Key])
	if err != nil {
		return err
	}
	text, err := fleet.Encode(made)
	if err != nil {
		return err
	}
	patch, err := json.Marshal(map[string]any{"data": map[string]string{fleet.Key: text}})
	if err != nil {
		return err
	}
	_, err = configMaps.Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: fieldManager})
	return recording("writing", name, err)
}

// recording tells what was done with a record when err came.
func recording(doing, name string, err error) error {
	problem := fmt.Sprintf("%s ConfigMap %q: %v", doing, systemNamespace+"/"+name, err)
	switch {
	case err == nil:
		return nil
	case apierrs.IsNotFound(err):
		return &failure{ExitMissing, problem, "apply config/fleet/, or leave --record out"}
	case apierrs.IsForbidden(err):
		return &failure{ExitNoRight, problem, fmt.Sprintf("get the right to get and patch that ConfigMap, as ServiceAccount %s has it by config/fleet/, or leave --record out", name)}
	}
	return fmt.Errorf("%s ConfigMap %q: %w", doing, systemNamespace+"/"+name, err)
}
