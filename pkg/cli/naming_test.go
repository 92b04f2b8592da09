package cli_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrs "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	"github.com/comptech-lab/quay-push/pkg/cli"
)

// versioned has config-tenancy refuse a patch of another version than the present one, as the API server does, and calls meanwhile before
// each patch, with its number from 1 on, to change the ConfigMap.
func (w *world) versioned(meanwhile func(patch int, robots *corev1.ConfigMap) bool) {
	w.Helper()
	maps, version := corev1.SchemeGroupVersion.WithResource("configmaps"), 1
	update := func(change func(*corev1.ConfigMap) bool) *corev1.ConfigMap {
		found, err := w.kube.Tracker().Get(maps, "quay-push", "config-tenancy")
		if err != nil {
			w.Fatal(err)
		}
		config := found.(*corev1.ConfigMap).DeepCopy()
		if change(config) {
			version++
			config.ResourceVersion = fmt.Sprint(version)
			if err := w.kube.Tracker().Update(maps, config, "quay-push"); err != nil {
				w.Fatal(err)
			}
		}
		return config
	}
	update(func(*corev1.ConfigMap) bool { return true })
	patches := 0
	w.kube.PrependReactor("patch", "configmaps", func(action clienttesting.Action) (bool, runtime.Object, error) {
		patches++
		present := update(func(config *corev1.ConfigMap) bool { return meanwhile(patches, config) })
		var patch struct{ Metadata metav1.ObjectMeta }
		if err := json.Unmarshal(action.(clienttesting.PatchAction).GetPatch(), &patch); err != nil {
			w.Error(err)
		}
		if v := patch.Metadata.ResourceVersion; v != "" && v != present.ResourceVersion {
			return true, nil, apierrs.NewConflict(maps.GroupResource(), "config-tenancy", fmt.Errorf("it has version %s, and not %s", present.ResourceVersion, v))
		}
		return false, nil, nil
	})
}

// Of two adoptions at the same time each has its robot named, and one that never gets to it says so.
func TestAdoptNamesTheRobotBesideAnother(t *testing.T) {
	args := []string{"adopt", "payments", "--division", "retail", "--app", "checkout", "--robot", "team-payments+jenkins", "--apply"}
	for name, test := range map[string]struct {
		conflicts int
		exit      cli.Exit
		want      string
	}{
		"once":   {1, cli.ExitOK, "team-platform+push.1, team-payments+jenkins"},
		"always": {1000, cli.ExitConflict, "team-platform+push.%d"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.keepInVault("apps/retail/checkout/ci/quay-robot", "team-payments+jenkins", w.byHand("team-payments+jenkins"))
			last := 0
			w.versioned(func(patch int, config *corev1.ConfigMap) bool {
				if patch > test.conflicts {
					return false
				}
				last, config.Data["adopted-robots"] = patch, fmt.Sprintf("team-platform+push.%d", patch)
				return true
			})
			exit, _, stderr := w.run(t.Context(), "", args...)
			found, err := w.kube.CoreV1().ConfigMaps("quay-push").Get(t.Context(), "config-tenancy", metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			want := test.want
			if strings.Contains(want, "%d") {
				want = fmt.Sprintf(want, last)
			}
			if exit != test.exit || found.Data["adopted-robots"] != want || last > 100 {
				t.Errorf("exit %d after %d conflicts, adopted-robots is %q, want %q: %s", exit, last, found.Data["adopted-robots"], want, stderr)
			}
			if test.exit == cli.ExitConflict && !strings.Contains(stderr, `naming robot "team-payments+jenkins" in ConfigMap "quay-push/config-tenancy"`) {
				t.Errorf("it says %s", stderr)
			}
		})
	}
}

// The command that is printed keeps what config-tenancy names when it is run, and not what it named when it was printed.
func TestAdoptPrintsACommandThatNamesTheRobotBesideOthers(t *testing.T) {
	w := newWorld(t)
	w.keepInVault("apps/retail/checkout/ci/quay-robot", "team-payments+jenkins", w.byHand("team-payments+jenkins"))
	var printed struct{ Commands []string }
	out := w.must("adopt", "payments", "--division", "retail", "--app", "checkout", "--robot", "team-payments+jenkins", "--dry-run", "-o", "json")
	if err := json.Unmarshal([]byte(out), &printed); err != nil || len(printed.Commands) != 2 {
		t.Fatalf("it prints %s, %v", out, err)
	}
	bin := t.TempDir()
	kubectl := filepath.Join(bin, "kubectl")
	for now, want := range map[string][]string{
		"":                     {"team-payments+jenkins"},
		"team-platform+push.1": {"team-platform+push.1", "team-payments+jenkins"},
		"team-platform+push.1,\n\tteam-base+x.2\n": {"team-platform+push.1", "team-base+x.2", "team-payments+jenkins"},
		"fail": nil,
	} {
		// This kubectl gives the list, or fails, and prints what it is to patch with.
		script := "#!/bin/sh\ncase \"$1\" in get) [ \"$ADOPTED\" != fail ] && printf %s \"$ADOPTED\";; patch) while [ \"$1\" != --patch ]; do shift; done; printf %s \"$2\";; esac\n"
		if err := os.WriteFile(kubectl, []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), "sh", "-c", printed.Commands[0])
		cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "ADOPTED="+now)
		patch, err := cmd.Output()
		if want == nil {
			if err == nil || len(patch) > 0 {
				t.Errorf("where the list cannot be read it patches with %s", patch)
			}
			continue
		}
		var got struct{ Data map[string]string }
		if err == nil {
			err = json.Unmarshal(patch, &got)
		}
		robots := strings.FieldsFunc(got.Data["adopted-robots"], func(r rune) bool { return r == ',' || r == ' ' })
		slices.Sort(robots)
		slices.Sort(want)
		if err != nil || !slices.Equal(robots, want) {
			t.Errorf("with %q it patches with %s, %v", now, patch, err)
		}
	}
}
