//go:build e2e

package e2e

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	tekton "github.com/tektoncd/pipeline/pkg/client/clientset/versioned"
	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/comptech-lab/quay-push/test/stage"
)

// attack is what team platform does to team payments in the shared namespace. It makes of names what it makes.
type attack struct {
	// victim is the platform's Pipeline that a run of team payments is in meanwhile; empty if the attack needs none.
	victim string
	// send sends the one request that it takes, and returns what the API server says.
	send func(ctx context.Context, f *playground, name string, victim *pipelinev1.PipelineRun) error
	// won waits until the attacker has what it wanted.
	won func(t *testing.T, ctx context.Context, f *playground, name string, victim *pipelinev1.PipelineRun)
}

// playground is the shared namespace as the attacks find it: what is worth stealing is decoys.
type playground struct {
	// thief is the image of what the attacker's steps run.
	thief string
	// robot, git and other are the contents of the victim's Secrets, and of one in another namespace.
	robot, git, other string
	attacker, trigger tekton.Interface
	// own is the attacker in its own namespace.
	own tekton.Interface
	// bundle is the reference of a Tekton bundle of the attacker's.
	bundle string
}

// Each attack is really played while the policies only audit, and wins; while they deny, the API server refuses the same request.
func TestAttacks(t *testing.T) {
	ctx := within(t, 8*time.Minute)
	f := newPlayground(t, ctx)
	attacks := maps.Clone(accountAttacks)
	maps.Copy(attacks, resolverAttacks)
	maps.Copy(attacks, childAttacks)
	audit(t, ctx, func() {
		t.Run("audit", func(t *testing.T) {
			for name, attack := range attacks {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					name, victim := attackName(name), f.victim(t, ctx, attack.victim)
					if err := attack.send(ctx, f, name, victim); err != nil {
						t.Fatalf("refused by something else than the policies: %v", err)
					}
					attack.won(t, ctx, f, name, victim)
				})
			}
		})
	}, guardProbes(t, dynamicAs(t, attackerUser), dynamicAs(t, tektonUser))...)
	for name, attack := range attacks {
		t.Run("deny/"+name, func(t *testing.T) {
			if err := attack.send(ctx, f, attackName(name), f.victim(t, ctx, attack.victim)); !refusedByPolicy(err) {
				t.Errorf("%v, want Invalid by a policy of ours", err)
			}
		})
	}
}

// attackName is a name of the attacker's that no other attack has.
func attackName(what string) string {
	return strings.ToLower("platform--" + strings.ReplaceAll(what, " ", "-") + "-" + rand.Text()[:6])
}

func newPlayground(t *testing.T, ctx context.Context) *playground {
	t.Helper()
	thief, err := s.Image(ctx, "./test/thief")
	if err != nil {
		t.Fatal(err)
	}
	f := &playground{thief: thief, git: "decoy-git-" + rand.Text(), other: "decoy-other-" + rand.Text()}
	f.robot = base64.StdEncoding.EncodeToString([]byte("team-payments+ci:decoy-robot-" + rand.Text()))
	f.attacker = battlefield(t)
	const trigger = "trigger-payments"
	bindTektonEdit(t, stage.SharedNamespace, trigger)
	grant(t, trigger, useOf("payments"))
	f.trigger = as(t, "system:serviceaccount:"+stage.SharedNamespace+":"+trigger)
	bindTektonEdit(t, stage.Platform.Namespace, insider)
	f.own = as(t, insiderName)
	shared := stage.Tenant{Namespace: stage.SharedNamespace}
	config := []byte(`{"auths":{"` + s.Quay.Host + `":{"auth":"` + f.robot + `"}}}`)
	if err := s.PutSecret(ctx, shared, victim.Secret, corev1.SecretTypeDockerConfigJson, config); err != nil {
		t.Fatal(err)
	}
	if err := s.PutGitSecret(ctx, shared, victim.GitSecret, f.git); err != nil {
		t.Fatal(err)
	}
	cleanSecret(t, stage.SharedNamespace, victim.GitSecret)
	putDecoy(t, ctx, stage.Payments.Namespace, f.other)
	putDecoy(t, ctx, stage.SharedNamespace, f.other)
	cleanRuns(t)
	putAccounts(t, ctx)
	putCatcher(t, ctx, thief)
	f.putPipelines(t)
	f.putOwnTasks(t, ctx)
	f.bundle = f.lookalikes(t, ctx)
	return f
}

// cleanRuns deletes what attackers and victims made in the shared namespace, at the end of the test.
func cleanRuns(t *testing.T) {
	client := newDynamic(t, s.Config)
	t.Cleanup(func() {
		clean := within(t, time.Minute)
		for resource, version := range map[string]string{"pipelineruns": "v1", "taskruns": "v1", "customruns": "v1beta1"} {
			objects := client.Resource(schema.GroupVersionResource{Group: "tekton.dev", Version: version, Resource: resource}).Namespace(stage.SharedNamespace)
			all, err := objects.List(clean, metav1.ListOptions{})
			if err != nil {
				t.Fatal(err)
			}
			for _, run := range all.Items {
				if name := run.GetName(); strings.HasPrefix(name, "platform--") || strings.HasPrefix(name, "payments--") {
					if err := objects.Delete(clean, name, metav1.DeleteOptions{}); err != nil && !apierrs.IsNotFound(err) {
						t.Error(err)
					}
				}
			}
		}
	})
}

// decoySecret is a Secret that is no team's, with one key, decoy.
const decoySecret = "decoy"

func putDecoy(t *testing.T, ctx context.Context, namespace, content string) {
	t.Helper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: decoySecret}, StringData: map[string]string{"decoy": content}}
	if _, err := s.Kube.CoreV1().Secrets(namespace).Create(ctx, secret, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	cleanSecret(t, namespace, decoySecret)
}

func cleanSecret(t *testing.T, namespace, name string) {
	t.Cleanup(func() {
		if err := s.Kube.CoreV1().Secrets(namespace).Delete(context.Background(), name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
}

// victim begins a run of team payments of the Pipeline, nil if there is none.
func (f *playground) victim(t *testing.T, ctx context.Context, pipeline string) *pipelinev1.PipelineRun {
	t.Helper()
	if pipeline == "" {
		return nil
	}
	run := stage.NewRun(victim, pipeline, nil)
	run.GenerateName, run.Name = "", "payments--checkout-x"+strings.ToLower(rand.Text()[:6])
	run.Labels = map[string]string{"apps.platform/team": "payments"}
	run.Spec.Workspaces = []pipelinev1.WorkspaceBinding{{Name: "source", EmptyDir: &corev1.EmptyDirVolumeSource{}}}
	runs := f.trigger.TektonV1().PipelineRuns(stage.SharedNamespace)
	run, err := runs.Create(ctx, run, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.Tekton.TektonV1().PipelineRuns(stage.SharedNamespace).Delete(context.Background(), run.Name, metav1.DeleteOptions{})
	})
	return run
}

// step is a step of the attacker's.
func (f *playground) step(args ...string) pipelinev1.Step {
	return pipelinev1.Step{Name: "s", Image: f.thief, Command: []string{"/ko-app/thief"}, Args: args}
}

// reads is a task that prints keys of Secrets, each named by both.
func (f *playground) reads(keys ...[2]string) pipelinev1.TaskSpec {
	step, spec := f.step("cat"), pipelinev1.TaskSpec{}
	for i, key := range keys {
		name := fmt.Sprint("loot-", i)
		spec.Volumes = append(spec.Volumes, corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: key[0]}}})
		step.VolumeMounts = append(step.VolumeMounts, corev1.VolumeMount{Name: name, MountPath: "/" + name})
		step.Args = append(step.Args, "/"+name+"/"+key[1])
	}
	spec.Steps = []pipelinev1.Step{step}
	return spec
}

// taskRun sends a TaskRun of the attacker's own team.
func (f *playground) taskRun(ctx context.Context, name, account string, spec pipelinev1.TaskSpec) error {
	_, err := f.attacker.TektonV1().TaskRuns(stage.SharedNamespace).Create(ctx, &pipelinev1.TaskRun{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"apps.platform/team": "platform"}},
		Spec:       pipelinev1.TaskRunSpec{ServiceAccountName: account, TaskSpec: &spec},
	}, metav1.CreateOptions{})
	return err
}

// prints waits until the Pods that the label names have printed all of loot.
func prints(t *testing.T, ctx context.Context, namespace, label string, loot ...string) {
	t.Helper()
	said := ""
	waitUntil(t, ctx, "Pods with "+label+" print the loot", func() bool {
		said = ""
		pods, err := s.Kube.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: label})
		if err != nil {
			return false
		}
		for _, pod := range pods.Items {
			for _, c := range pod.Spec.Containers {
				log, _ := s.Kube.CoreV1().Pods(namespace).GetLogs(pod.Name, &corev1.PodLogOptions{Container: c.Name}).DoRaw(ctx)
				said += string(log)
			}
		}
		for _, l := range loot {
			if !strings.Contains(said, l) {
				return false
			}
		}
		return true
	})
}
