//go:build e2e

package e2e

import (
	"context"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/pkg/cli"
	records "github.com/comptech-lab/quay-push/pkg/fleet"
)

// job is a Job of a CronJob that has ended.
type job struct {
	batchv1.Job
	pod corev1.Pod
	// exit is that of the command, log what it printed.
	exit cli.Exit
	log  string
}

// begin makes a Job of CronJob fleet-<run>, in the page's words.
func (f *fleet) begin(ctx context.Context, run, name string) {
	f.Helper()
	create, _, _ := strings.Cut(f.page("kubectl create job"), "\n")
	f.follow(ctx, strings.NewReplacer("cronjob/fleet-verify", "cronjob/fleet-"+run, "first-verify", name).Replace(create))
}

// end waits until the Job has ended, and checks that its Pod was what the directory says: of the run's own account, in a namespace of Pod
// security restricted.
func (f *fleet) end(ctx context.Context, run, name string) (j job) {
	f.Helper()
	waitUntil(f.T, ctx, "Job "+name+" has ended", func() bool {
		found, err := s.Kube.BatchV1().Jobs(system).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return false
		}
		j.Job = *found
		for _, c := range found.Status.Conditions {
			if (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) && c.Status == corev1.ConditionTrue {
				return true
			}
		}
		return false
	})
	pods, err := s.Kube.CoreV1().Pods(system).List(ctx, metav1.ListOptions{LabelSelector: "batch.kubernetes.io/job-name=" + name})
	if err != nil || len(pods.Items) != 1 || len(pods.Items[0].Status.ContainerStatuses) != 1 {
		f.Fatalf("Job %s has %d Pods, %v: %+v", name, len(pods.Items), err, j.Status)
	}
	j.pod = pods.Items[0]
	ended := j.pod.Status.ContainerStatuses[0].State.Terminated
	if ended == nil {
		f.Fatalf("Job %s ended before its Pod: %+v", name, j.pod.Status)
	}
	j.exit = cli.Exit(ended.ExitCode)
	log, err := s.Kube.CoreV1().Pods(system).GetLogs(j.pod.Name, &corev1.PodLogOptions{}).DoRaw(ctx)
	if err != nil {
		f.Fatal(err)
	}
	j.log = string(log)
	if j.pod.Spec.ServiceAccountName != "fleet-"+run {
		f.Errorf("Job %s runs as %q", name, j.pod.Spec.ServiceAccountName)
	}
	home, err := s.Kube.CoreV1().Namespaces().Get(ctx, system, metav1.GetOptions{})
	if err != nil || home.Labels["pod-security.kubernetes.io/enforce"] != "restricted" {
		f.Errorf("namespace %s has labels %v, %v", system, home.Labels, err)
	}
	return j
}

// record is what the last Job of a run left in its ConfigMap.
func record[R records.Verification | records.Rotation](f *fleet, ctx context.Context, name string) R {
	f.Helper()
	found, err := s.Kube.CoreV1().ConfigMaps(system).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		f.Fatal(err)
	}
	left, err := records.Decode[R](found.Data[records.Key])
	if err != nil {
		f.Fatal(err)
	}
	return left
}
