//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/comptech-lab/quay-push/pkg/cli"
	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/test/stage"
)

// verify is what verify says of team other, by check.
func (p *platform) verify(ctx context.Context) (cli.Exit, map[string]robot.Check) {
	p.Helper()
	var stderr strings.Builder
	exit, stdout := p.start(ctx, &stderr, "verify", other, "-o", "json")
	var found struct{ Reports []robot.Report }
	if err := json.Unmarshal([]byte(stdout), &found); err != nil || len(found.Reports) != 1 {
		p.Fatalf("verify: exit %d, %v\n%s%s", exit, err, stdout, stderr.String())
	}
	checks := map[string]robot.Check{}
	for _, c := range found.Reports[0].Checks {
		checks[c.ID] = c
	}
	return exit, checks
}

// waitFailed waits until the check fails, and verify with one of those codes for it.
func (p *platform) waitFailed(ctx context.Context, id string, exits ...cli.Exit) (failed robot.Check) {
	p.Helper()
	waitUntil(p.T, ctx, "verify finds "+id, func() bool {
		exit, checks := p.verify(ctx)
		failed = checks[id]
		return failed.Status == robot.Failed && slices.Contains(exits, exit)
	})
	return failed
}

// dockerconfig is a patch of an ExternalSecret that renders its Secret for a host.
func (p *platform) dockerconfig(host string) string {
	text := fmt.Sprintf(`{"auths":{%q:{"auth":"{{ printf "%%s:%%s" .username .token | b64enc }}"}}}`, host)
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"target": map[string]any{"template": map[string]any{"data": map[string]string{".dockerconfigjson": text}}}}})
	if err != nil {
		p.Fatal(err)
	}
	return string(patch)
}

func (p *platform) patchSecret(ctx context.Context, team string, patch []byte) error {
	_, err := s.Kube.CoreV1().Secrets(stage.SharedNamespace).Patch(ctx, robotSecretOf(team), types.MergePatchType, patch, metav1.PatchOptions{})
	return err
}
