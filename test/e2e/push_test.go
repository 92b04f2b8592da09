//go:build e2e

package e2e

import (
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/test/stage"
)

// The custom task may cost at most this much more than the Task named by the run itself, from creation to end.
const overhead = 2 * time.Second

func TestPushImageCostsLittleMoreThanTheTask(t *testing.T) {
	ctx := within(t, 15*time.Minute)
	const runs = 5
	took := map[string][]time.Duration{}
	for i := range runs {
		// In turn, so that a slow minute of the machine meets both.
		for _, pipeline := range []string{"build-and-push-image", "build-and-push-quay"} {
			params := map[string]string{"image-ref": stage.Payments.Repository, "tag": "latency"}
			if pipeline == "build-and-push-quay" {
				params["dockerconfig-secret"] = stage.Payments.Secret
			}
			start := time.Now()
			run, err := s.Run(ctx, stage.NewRun(stage.Payments, pipeline, params))
			if err != nil {
				t.Fatal(err)
			}
			took[pipeline] = append(took[pipeline], time.Since(start))
			if outcome := stage.Outcome(run.Status.Conditions); outcome.Status != corev1.ConditionTrue {
				t.Fatalf("run %d of %s: %s: %s", i, pipeline, outcome.Reason, outcome.Message)
			}
			digest := stage.Results(run)[v1alpha1.ResultImageDigest]
			served, err := s.Quay.TagDigest(ctx, stage.Payments.Repository, "latency")
			if err != nil || digest == "" || served != digest {
				t.Errorf("%s reports digest %q, Quay serves %q (%v)", pipeline, digest, served, err)
			}
		}
	}
	custom, plain := median(took["build-and-push-image"]), median(took["build-and-push-quay"])
	t.Logf("median of %d, creation to end: PushImage %.1fs, taskRef %.1fs, difference %+.1fs (ratio %.2f)",
		runs, custom.Seconds(), plain.Seconds(), (custom - plain).Seconds(), custom.Seconds()/plain.Seconds())
	if custom-plain > overhead {
		t.Errorf("PushImage costs %s more than a plain taskRef, want at most %s", custom-plain, overhead)
	}
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
