//go:build e2e

package e2e

import (
	"math/rand/v2"
	"strings"
)

// The names that are worth something in the shared namespace: the attacker's own, and those of others.
var (
	ownSecrets     = []string{"quay-robot-team-platform", "git-platform"}
	foreignSecrets = []string{"quay-robot-team-payments", "git-payments", "signing-secrets", "pipelines-vault-apps-token", "quay-robot-team-platform.payments--x", "git-platform-payments"}
	foreignUsers   = []string{"default", "trigger-payments", "trigger-platform", "pipelines-vault-apps", "tekton-pipelines-controller"}
	foreignClaims  = []string{"payments--cache", "payments--x"}
	ownClaims      = []string{"platform--cache", "platform--x"}
)

// words are what a field is given, by a part of its name or of the name of the field around it, the first that fits.
var words = []struct {
	part string
	pool []string
}{
	{"secret", append(append([]string{}, ownSecrets...), foreignSecrets...)},
	{"serviceaccount", append([]string{"pipeline", "pipeline"}, foreignUsers...)},
	{"claim", append(append([]string{"pvc-0123456789"}, ownClaims...), foreignClaims...)},
	{"configmap", append([]string{"kube-root-ca.crt"}, append(ownClaims, foreignClaims...)...)},
	{"namespace", []string{"openshift-pipelines", "openshift-pipelines", "apps-platform-sample", "apps-payments-checkout", "kube-system"}},
	{"managedby", []string{"tekton.dev/pipeline", "x.example.com/y"}},
	{"resolver", []string{"cluster", "git", "http", "bundles", "hub"}},
	{"hostpath", []string{"/", "/etc/kubernetes", "/var/lib/kubelet"}},
	{"mountpath", []string{"/mnt/a", "/mnt/b", "/mnt/c", "/workspace/d"}},
	{"subpath", []string{"a", "../a", "payments--x"}},
	{"volumemount", []string{"home", "robot"}},
	{"path", []string{"a", "ca.crt", "/", "../a"}},
	{"image", []string{"localhost:5000/static:latest", "quay.quay.svc/team-payments/app:v1"}},
	{"url", []string{"https://evil.example.com/x", "https://git.git.svc/x"}},
	{"ip", []string{"10.0.0.1", "127.0.0.1"}},
	{"hostname", []string{"quay", "git"}},
	{"host", []string{"quay.quay.svc", "10.0.0.1"}},
	{"operator", []string{"Exists", "Equal", "In"}},
	{"effect", []string{"NoSchedule", "NoExecute"}},
	{"topologykey", []string{"kubernetes.io/hostname"}},
	{"key", []string{".dockerconfigjson", "token", "node-role.kubernetes.io/control-plane"}},
	{"timeout", []string{"1h", "10s", "0s"}},
	{"status", []string{"Cancelled", "PipelineRunPending", "StoppedRunFinally", "TaskRunCancelled"}},
	{"procmount", []string{"Default", "Unmasked"}},
	{"type", []string{"RuntimeDefault", "Unconfined", "Localhost", "string", "array"}},
	{"add", []string{"CHOWN", "SYS_ADMIN", "NET_RAW", "ALL", "SYS_PTRACE"}},
	{"policy", []string{"Always", "Never", "IfNotPresent", "OnRootMismatch", "Default", "ClusterFirst"}},
	{"modes", []string{"ReadWriteOnce", "ReadWriteMany"}},
	{"mode", []string{"Filesystem", "Block"}},
	{"name", []string{"platform--x", "payments--x", "platform--x--y", "build-and-push-image", "kind", "namespace", "step-a", "v"}},
	{"", []string{"platform", "payments", "team-payments", "pipeline", "openshift-pipelines", "$(params.x)", "$(context.pipelineRun.name)", "quay-robot-team-payments", "git-payments"}},
}

// labels are keys that Tekton, our controller or a Service could go by.
var labels = []string{"apps.platform/team", "pipeline.comptech-lab.com/team", "quay.comptech-lab.com/team", "quay.comptech-lab.com/managed", "tekton.dev/pipelineRun",
	"tekton.dev/taskRun", "triggers.tekton.dev/trigger", "chains.tekton.dev/signed", "results.tekton.dev/record", "example.com/a", "app",
	"container.apparmor.security.beta.kubernetes.io/step-a", "seccomp.security.alpha.kubernetes.io/pod", "openshift.io/required-scc"}

// word returns a value for the text at the path: of the words that fit, or a short random one.
func word(random *rand.Rand, path []string) string {
	if random.IntN(4) > 0 {
		for _, w := range words {
			for _, name := range path[max(0, len(path)-3):] {
				if strings.Contains(strings.ToLower(name), w.part) {
					return w.pool[random.IntN(len(w.pool))]
				}
			}
		}
	}
	return short(random)
}

func short(random *rand.Rand) string {
	text := []byte{'a' + byte(random.IntN(26))}
	for range 1 + random.IntN(4) {
		text = append(text, "abcdefghijklmnopqrstuvwxyz0123456789"[random.IntN(36)])
	}
	return string(text)
}
