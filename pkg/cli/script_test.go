package cli_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/rogpeppe/go-internal/testscript"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"

	pipelinev1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	"sigs.k8s.io/yaml"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/cli"
	"github.com/comptech-lab/quay-push/pkg/reconciler/reconcilertest"
)

// worldKey and exitKey are what a script keeps: its world, and how the tool ended last.
type (
	worldKey struct{}
	exitKey  struct{}
)

// update writes what the tests would compare with: the manifests in testdata, and the tables of the pages.
var update = flag.Bool("update", false, "write the expected output")

// Each script has a world of its own. In it are tkn-quay, and what the platform or an accident does.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata", Cmds: commands, UpdateScripts: *update, Setup: func(env *testscript.Env) error {
		w := newWorld(env.T().(testing.TB))
		env.Values[worldKey{}], env.Values[exitKey{}], env.Values[madeKey{}] = w, new(cli.Exit), new(string)
		env.Setenv("HOST", w.quay.Host())
		env.Setenv("CA", w.quay.CAFile())
		env.Setenv("VAULT_TOKEN", vaultToken)
		// One that may make organizations, too.
		creator := w.quay.AddOAuthToken([]quaytest.Scope{quaytest.OrgAdmin, quaytest.RepoAdmin, quaytest.UserAdmin})
		w.tokens = append(w.tokens, creator)
		if err := os.WriteFile(filepath.Join(env.WorkDir, "creator-token"), []byte(creator), 0o600); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(env.WorkDir, "token"), []byte(w.oauth+"\n"), 0o600)
	}})
}

var commands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	// tkn-quay runs the tool; the file stdin.txt is its stdin. With ! it must not succeed.
	"tkn-quay": func(ts *testscript.TestScript, neg bool, args []string) {
		w, in := ts.Value(worldKey{}).(*world), ""
		if data, err := os.ReadFile(ts.MkAbs("stdin.txt")); err == nil {
			in = string(data)
		}
		for i, arg := range args {
			// The tool runs in the test's own directory.
			if strings.HasPrefix(arg, "./") {
				args[i] = ts.MkAbs(arg)
			}
		}
		for _, name := range []string{"VAULT_ADDR", "VAULT_CACERT", "VAULT_TOKEN"} {
			w.env[name] = ts.Getenv(name)
		}
		exit, stdout, stderr := w.run(w.Context(), in, args...)
		*ts.Value(exitKey{}).(*cli.Exit) = exit
		for text, write := range map[*string]interface{ Write([]byte) (int, error) }{&stdout: ts.Stdout(), &stderr: ts.Stderr()} {
			if _, err := write.Write([]byte(*text)); err != nil {
				ts.Fatalf("%v", err)
			}
		}
		if neg == (exit == cli.ExitOK) {
			ts.Fatalf("exit code is %d", exit)
		}
	},
	// vault-login leaves a token where vault login does.
	"vault-login": func(ts *testscript.TestScript, _ bool, _ []string) { ts.Value(worldKey{}).(*world).login = vaultToken },
	// namespace sets that of the context.
	"namespace": func(ts *testscript.TestScript, _ bool, args []string) {
		ts.Value(worldKey{}).(*world).namespace = args[0]
	},
	// exit says how the tool ended.
	"exit": func(ts *testscript.TestScript, _ bool, args []string) {
		if got := int(*ts.Value(exitKey{}).(*cli.Exit)); strconv.Itoa(got) != args[0] {
			ts.Fatalf("exit code is %d, want %s", got, args[0])
		}
	},
	// onboard has a team in place.
	"onboard": func(ts *testscript.TestScript, _ bool, args []string) { ts.Value(worldKey{}).(*world).onboard(args[0]) },
	// sleep-eso stops External Secrets, with ! it goes on.
	"sleep-eso": func(ts *testscript.TestScript, neg bool, _ []string) {
		w := ts.Value(worldKey{}).(*world)
		w.mu.Lock()
		w.asleep = !neg
		w.mu.Unlock()
	},
	// break does what a row of docs/failure-modes.md begins with.
	"break": func(ts *testscript.TestScript, _ bool, args []string) {
		i := slices.IndexFunc(accidents, func(a accident) bool { return a.name == args[0] })
		accidents[i].do(ts.Value(worldKey{}).(*world))
	},
	// kube puts the objects of a YAML file into the cluster.
	"kube": func(ts *testscript.TestScript, _ bool, args []string) {
		w := ts.Value(worldKey{}).(*world)
		for _, document := range strings.Split(strings.ReplaceAll(ts.ReadFile(args[0]), "$HOST", w.quay.Host()), "---\n") {
			ts.Check(w.add([]byte(document)))
		}
	},
	// finish takes a PipelineRun of the shared namespace out of the cluster.
	"finish": func(ts *testscript.TestScript, _ bool, args []string) {
		ts.Check(ts.Value(worldKey{}).(*world).tekton.Tracker().Delete(pipelinev1.SchemeGroupVersion.WithResource("pipelineruns"), shared, args[0]))
	},
	// push pushes a new image of team payments to a tag, and puts its digest into $DIGEST.
	"push": func(ts *testscript.TestScript, _ bool, args []string) {
		w := ts.Value(worldKey{}).(*world)
		image, err := random.Image(16, 1)
		ts.Check(err)
		digest, err := image.Digest()
		ts.Check(err)
		reference, err := name.NewTag(w.quay.Host() + "/team-payments/app:" + args[0])
		ts.Check(err)
		ts.Check(remote.Write(reference, image, remote.WithTransport(w.quay.Client().Transport),
			remote.WithAuth(&authn.Basic{Username: "team-payments+ci", Password: w.quay.RobotToken("team-payments+ci")})))
		ts.Setenv("DIGEST", digest.String())
	},
	// fill writes the registry's host where files have HOST.
	"fill": func(ts *testscript.TestScript, _ bool, args []string) {
		w := ts.Value(worldKey{}).(*world)
		ts.Check(filepath.WalkDir(ts.MkAbs(args[0]), func(path string, entry os.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(path, []byte(strings.ReplaceAll(string(data), "HOST", w.quay.Host())), 0o644)
		}))
	},
	// quay-version has Quay say another version.
	"quay-version": func(ts *testscript.TestScript, _ bool, args []string) {
		ts.Value(worldKey{}).(*world).quay.SetVersion(args[0])
	},
	// install puts a healthy installation into the cluster, guards apart.
	"install": func(ts *testscript.TestScript, _ bool, _ []string) { ts.Value(worldKey{}).(*world).install() },
	// deny gives External Secrets a policy with * where Vault wants +.
	"deny": func(ts *testscript.TestScript, _ bool, _ []string) { ts.Value(worldKey{}).(*world).denied = true },
	// guard installs the policies for the shared namespace.
	"guard": func(ts *testscript.TestScript, _ bool, _ []string) {
		w := ts.Value(worldKey{}).(*world)
		for _, o := range reconcilertest.NewGuards(shared) {
			ts.Check(w.kube.Tracker().Add(o))
		}
	},
}

// add puts an object of Kubernetes or Tekton into the cluster.
func (w *world) add(document []byte) error {
	var kind metav1.TypeMeta
	if err := yaml.Unmarshal(document, &kind); err != nil {
		return err
	}
	objects := map[string]runtime.Object{"PipelineRun": &pipelinev1.PipelineRun{}, "TaskRun": &pipelinev1.TaskRun{}, "CustomRun": &v1beta1.CustomRun{}}
	if object, ok := objects[kind.Kind]; ok {
		if err := yaml.UnmarshalStrict(document, object); err != nil {
			return err
		}
		return w.tekton.Tracker().Add(object)
	}
	object, _, err := scheme.Codecs.UniversalDeserializer().Decode(document, nil, nil)
	if err != nil {
		return err
	}
	if secret, ok := object.(*corev1.Secret); ok {
		for key, value := range secret.StringData {
			secret.Data = map[string][]byte{key: []byte(strings.ReplaceAll(value, "$HOST", w.quay.Host()))}
		}
	}
	return w.kube.Tracker().Add(object)
}
