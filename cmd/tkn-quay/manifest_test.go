package main

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"

	"github.com/comptech-lab/quay-push/pkg/cli"
	"github.com/comptech-lab/quay-push/pkg/fleet"
	"github.com/comptech-lab/quay-push/pkg/onboard"
)

const fleetDir = "../../config/fleet/"

// documents returns the YAML documents of config/fleet by "Kind name".
func documents(t *testing.T) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob(fleetDir + "*.yaml")
	if err != nil || len(files) < 5 {
		t.Fatalf("%q, %v", files, err)
	}
	all := map[string][]byte{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, document := range strings.Split("\n"+string(data), "\n---\n") {
			o := read[metav1.PartialObjectMetadata](t, []byte(document), false)
			if o.Labels[onboard.PartOfLabel] != onboard.PartOf {
				t.Errorf("%s %s does not say what it is part of", o.Kind, o.Name)
			}
			all[o.Kind+" "+o.Name] = []byte(document)
		}
	}
	return all
}

func read[T any](t *testing.T, document []byte, strict bool) (object T) {
	t.Helper()
	unmarshal := yaml.Unmarshal
	if strict {
		unmarshal = yaml.UnmarshalStrict
	}
	if err := unmarshal(document, &object); err != nil {
		t.Fatal(err)
	}
	return object
}

// cronJobs are what runs by itself, by what it runs.
func cronJobs(t *testing.T) map[string]batchv1.CronJob {
	t.Helper()
	all := documents(t)
	return map[string]batchv1.CronJob{
		"verify": read[batchv1.CronJob](t, all["CronJob fleet-verify"], true),
		"rotate": read[batchv1.CronJob](t, all["CronJob fleet-rotate"], true),
	}
}

// value of a flag in args.
func value(args []string, flag string) string {
	for _, arg := range args {
		if text, ok := strings.CutPrefix(arg, flag+"="); ok {
			return text
		}
	}
	return ""
}

// The tool takes the arguments, two runs are never at work at once, and one that does not end is ended before the next.
func TestCronJobs(t *testing.T) {
	for run, job := range cronJobs(t) {
		pod := job.Spec.JobTemplate.Spec.Template.Spec
		args := pod.Containers[0].Args
		if args[0] != run || !slices.Contains(args, "--all") || !slices.Contains(args, "--record") {
			t.Errorf("%s runs %q", run, args)
		}
		p := cli.New()
		p.In, p.Out, p.Err = strings.NewReader(""), io.Discard, os.Stderr
		if exit := p.Run(t.Context(), append(slices.Clone(args), "--help")); exit != cli.ExitOK {
			t.Errorf("%s: the tool does not take %q", run, args)
		}
		spec := job.Spec
		if spec.ConcurrencyPolicy != batchv1.ForbidConcurrent || *spec.JobTemplate.Spec.BackoffLimit != 0 || *spec.SuccessfulJobsHistoryLimit > 3 || *spec.FailedJobsHistoryLimit > 3 {
			t.Errorf("%s: %+v", run, spec)
		}
		timeout, err := time.ParseDuration(value(args, "--timeout"))
		deadline := time.Duration(*spec.JobTemplate.Spec.ActiveDeadlineSeconds) * time.Second
		every := map[string]time.Duration{"verify": time.Hour, "rotate": 6 * time.Hour}[run]
		if err != nil || timeout >= deadline || deadline >= every || time.Duration(*spec.StartingDeadlineSeconds)*time.Second >= every {
			t.Errorf("%s: --timeout %s, deadline %s, every %s, %v", run, timeout, deadline, every, err)
		}
	}
	if schedule := cronJobs(t)["verify"].Spec.Schedule; !strings.HasSuffix(schedule, " * * * *") {
		t.Errorf("verify is not hourly: %s", schedule)
	}
	if schedule := cronJobs(t)["rotate"].Spec.Schedule; !strings.HasSuffix(schedule, " */6 * * *") {
		t.Errorf("rotate does not run every six hours: %s", schedule)
	}
}

// No secret is an argument or a variable: the tool reads each from a file, and what it logs in to Vault with is good for Vault alone.
func TestTokensAreFiles(t *testing.T) {
	for run, job := range cronJobs(t) {
		pod := job.Spec.JobTemplate.Spec.Template.Spec
		container := pod.Containers[0]
		for _, e := range container.Env {
			if e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil || strings.Contains(e.Name, "TOKEN") {
				t.Errorf("%s: %s is in the environment", run, e.Name)
			}
			if from := e.ValueFrom; from != nil && from.ConfigMapKeyRef.Name != onboard.FleetConfigMap {
				t.Errorf("%s: %s is of ConfigMap %q", run, e.Name, from.ConfigMapKeyRef.Name)
			}
		}
		if len(container.EnvFrom) > 0 {
			t.Errorf("%s: %v", run, container.EnvFrom)
		}
		mounts := map[string]string{}
		for _, m := range container.VolumeMounts {
			if mounts[m.Name] = m.MountPath; !m.ReadOnly {
				t.Errorf("%s: %s can be written", run, m.Name)
			}
		}
		volumes := map[string]corev1.Volume{}
		for _, v := range pod.Volumes {
			volumes[v.Name] = v
		}
		if s := volumes["quay"].Secret; s == nil || s.SecretName != onboard.FleetToken || value(container.Args, "--quay-token-file") != mounts["quay"]+"/token" {
			t.Errorf("%s: Quay's token is %+v at %q", run, volumes["quay"], mounts["quay"])
		}
		jwt := volumes["vault"].Projected
		if jwt == nil || len(jwt.Sources) != 1 || jwt.Sources[0].ServiceAccountToken == nil || jwt.Sources[0].ServiceAccountToken.Audience != onboard.FleetAudience ||
			*jwt.Sources[0].ServiceAccountToken.ExpirationSeconds != 600 || value(container.Args, "--vault-jwt-file") != mounts["vault"]+"/"+jwt.Sources[0].ServiceAccountToken.Path {
			t.Errorf("%s: the token for Vault is %+v", run, volumes["vault"])
		}
		if value(container.Args, "--vault-role") != "quay-push-fleet-"+run {
			t.Errorf("%s logs in as %q", run, value(container.Args, "--vault-role"))
		}
	}
}

// What OpenShift's restricted-v2 and Pod security restricted ask for; and nobody reaches the Pod.
func TestFleetRunsRestricted(t *testing.T) {
	all := documents(t)
	policy := read[networkingv1.NetworkPolicy](t, all["NetworkPolicy fleet"], true)
	selector, err := metav1.LabelSelectorAsSelector(&policy.Spec.PodSelector)
	if err != nil || len(policy.Spec.Ingress) > 0 || !slices.Equal(policy.Spec.PolicyTypes, []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}) {
		t.Errorf("%+v, %v", policy.Spec, err)
	}
	for run, job := range cronJobs(t) {
		template := job.Spec.JobTemplate.Spec.Template
		if !selector.Matches(labels.Set(template.Labels)) {
			t.Errorf("the policy is not for %s", run)
		}
		pod, s := template.Spec, template.Spec.Containers[0].SecurityContext
		if pod.SecurityContext != nil || pod.HostNetwork || pod.HostPID || len(pod.Containers) != 1 || pod.ServiceAccountName != "fleet-"+run || pod.RestartPolicy != corev1.RestartPolicyNever {
			t.Errorf("%s: %+v", run, pod)
		}
		if s == nil || s.RunAsUser != nil || s.Privileged != nil || !*s.RunAsNonRoot || *s.AllowPrivilegeEscalation || !*s.ReadOnlyRootFilesystem ||
			s.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault || len(s.Capabilities.Add) > 0 || len(s.Capabilities.Drop) != 1 || s.Capabilities.Drop[0] != "ALL" {
			t.Errorf("%s: security context %+v", run, s)
		}
		if pod.Containers[0].Resources.Limits.Memory().IsZero() || pod.Containers[0].Resources.Requests.Cpu().IsZero() {
			t.Errorf("%s: resources %+v", run, pod.Containers[0].Resources)
		}
	}
}

// The records are made empty, under the names that the tool and the controller know.
func TestRecordsAreEmpty(t *testing.T) {
	all := documents(t)
	for _, name := range []string{fleet.VerifyConfigMap, fleet.RotateConfigMap} {
		c := read[corev1.ConfigMap](t, all["ConfigMap "+name], true)
		if c.Namespace != "quay-push" || len(c.Data) > 0 || len(c.BinaryData) > 0 {
			t.Errorf("%s is %+v", name, c)
		}
	}
}
