package cli_test

import (
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/cli"
	"github.com/comptech-lab/quay-push/pkg/robot"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// accident is how a row of docs/failure-modes.md comes about, for team payments, which is onboarded.
type accident struct {
	name string
	// symptom is the row, cause what happened, in words; exit is verify's.
	symptom robot.Symptom
	cause   string
	exit    cli.Exit
	do      func(w *world)
	// mend is what puts it right, fix the same in words.
	mend func(w *world)
	fix  string
}

var accidents = []accident{
	{"permission-is-read", robot.SymptomUnauthorized, "the robot has Read on the repository, not Write", cli.ExitUnauthorized,
		func(w *world) { w.quay.Grant("team-payments/app", "team-payments+ci", quaytest.Read) },
		func(w *world) { w.must("bootstrap", "payments", "--division", "payments", "--app", "app") }, "give it Write: `bootstrap`"},
	{"token-regenerated", robot.SymptomUnauthorized, "the token was regenerated in Quay and nowhere else", cli.ExitUnauthorized,
		func(w *world) { w.quay.RegenerateRobot("team-payments+ci") },
		func(w *world) {
			w.must("rotate", "payments")
		}, "give the team another robot: `rotate`"},
	{"vault-denies", robot.SymptomNotReady, "the Vault role may not read the path, or not from this namespace", cli.ExitNotReady,
		func(w *world) {
			w.setReady(w.externalSecret("payments"), "False", "SecretSyncedError", "could not get secret data from provider: 403 permission denied")
		},
		(*world).sync, "correct policy and bound namespaces: `onboard platform` renders both"},
	{"vault-lost", robot.SymptomNotReady, "the path in Vault was deleted, and so External Secrets deleted the Secret", cli.ExitUnauthorized,
		func(w *world) {
			w.versions = map[string][]*vault.Secret{}
			if err := w.kube.CoreV1().Secrets(shared).Delete(w.Context(), "quay-robot-team-payments", metav1.DeleteOptions{}); err != nil {
				w.Fatal(err)
			}
		},
		func(w *world) { w.must("bootstrap", "payments", "--division", "payments", "--app", "app") }, "put it there again, and have it read: `bootstrap`"},
	{"never-refreshes", robot.SymptomNotReady, "the ExternalSecret has `refreshInterval: 0`, `CreatedOnce` or an immutable target, so that no new token comes through", cli.ExitNotReady,
		withSpec("0", "refreshInterval"), withSpec("1h0m0s", "refreshInterval"), "correct the field that is named, or render it again: `onboard`"},
	{"vault-deletes", robot.SymptomNotReady, "`delete_version_after` or `max_versions: 1` in Vault takes away what a rotation, or the team, needs", cli.ExitNotReady,
		func(w *world) { w.mount.DeleteAfter = time.Hour }, func(w *world) { w.mount.DeleteAfter = 0 }, "run the `vault` command that is named"},
	{"other-host", robot.SymptomStronger, "the Secret is for another host, where a workstation has its own login", cli.ExitStronger,
		func(w *world) { w.rewrite("payments", w.quay.Host(), "quay.io") },
		(*world).sync, "render the ExternalSecret again: `onboard`"},
	{"other-teams-secret", robot.SymptomShared, "the team's Secret has the robot of another team", cli.ExitShared,
		func(w *world) {
			w.onboard("platform")
			other, err := w.kube.CoreV1().Secrets(shared).Get(w.Context(), "quay-robot-team-platform", metav1.GetOptions{})
			if err != nil {
				w.Fatal(err)
			}
			w.replace("payments", other.Data[corev1.DockerConfigJsonKey])
		},
		(*world).sync, "create the ExternalSecret again, named by the convention: `onboard`"},
	{"right-elsewhere", robot.SymptomShared, "the robot is in a Quay team of another organization", cli.ExitShared,
		func(w *world) {
			w.onboard("platform")
			w.quay.AddTeamMember("team-platform", "friends", "member", "team-payments+ci")
			w.quay.GrantTeam("team-platform/app", "friends", quaytest.Write)
		},
		func(w *world) {
			w.quay.RemoveTeamMember("team-platform", "friends", "team-payments+ci")
		}, "take it out of the other organization's team"},
	{"old-token-in-vault", robot.SymptomLeaked, "a token that was replaced can still be read in Vault", cli.ExitLeaked,
		func(w *world) {
			v := &memoryVault{w: w}
			secret, err := v.Read(w.Context(), "apps/payments/app/ci/quay-robot")
			if err != nil {
				w.Fatal(err)
			}
			if _, err := v.Write(w.Context(), "apps/payments/app/ci/quay-robot", secret.Data, secret.Version); err != nil {
				w.Fatal(err)
			}
			w.sync()
		},
		func(w *world) { w.must("rotate", "payments") }, "`rotate`; for a token that strangers may have: `leak`"},
	{"other-robot-has-rights", robot.SymptomLeaked, "a robot that was replaced got a new token, and kept its rights", cli.ExitLeaked,
		func(w *world) {
			w.quay.AddRobot("team-payments", "ci-b")
			w.quay.Grant("team-payments/app", "team-payments+ci-b", quaytest.Write)
		},
		func(w *world) { w.must("rotate", "payments", "--max-age", "720h") }, "`rotate`; with `--max-age 720h` a young robot in use stays"},
}

// rewrite replaces text in a team's Secret.
func (w *world) rewrite(team, before, after string) {
	secret, err := w.kube.CoreV1().Secrets(shared).Get(w.Context(), "quay-robot-team-"+team, metav1.GetOptions{})
	if err != nil {
		w.Fatal(err)
	}
	w.replace(team, []byte(strings.ReplaceAll(string(secret.Data[corev1.DockerConfigJsonKey]), before, after)))
}

// replace replaces the content of a team's Secret.
func (w *world) replace(team string, content []byte) {
	secrets := w.kube.CoreV1().Secrets(shared)
	secret, err := secrets.Get(w.Context(), "quay-robot-team-"+team, metav1.GetOptions{})
	if err != nil {
		w.Fatal(err)
	}
	secret = secret.DeepCopy()
	secret.Data[corev1.DockerConfigJsonKey] = content
	if _, err := secrets.Update(w.Context(), secret, metav1.UpdateOptions{}); err != nil {
		w.Fatal(err)
	}
}
