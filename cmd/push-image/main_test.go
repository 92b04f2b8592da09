package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/comptech-lab/quay-push/internal/quaytest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"push-image": main})
}

// Each script runs the program against a Quay of its own: $HOST, $CA, a layout in image, the credential in auth.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata", Cmds: commands, Setup: func(env *testscript.Env) error {
		q := quaytest.Start(env.T().(testing.TB))
		q.AddOrganization("team-a")
		q.AddRepository("team-a", "app")
		token := q.AddRobot("team-a", "ci")
		q.Grant("team-a/app", "team-a+ci", quaytest.Write)
		auth := filepath.Join(env.WorkDir, "auth")
		if err := os.Mkdir(auth, 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(auth, "config.json"), q.Dockerconfig("team-a+ci"), 0o600); err != nil {
			return err
		}
		env.Values[quayKey{}] = q
		env.Setenv("HOST", q.Host())
		env.Setenv("CA", q.CAFile())
		env.Setenv("OTHER_CA", quaytest.Start(env.T().(testing.TB)).CAFile())
		env.Setenv("TOKEN", token)
		env.Setenv("DOCKER_CONFIG", "")
		return writeLayout(filepath.Join(env.WorkDir, "image"))
	}})
}

type quayKey struct{}

// commands are what the scripts can do to their Quay.
var commands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	// proxy starts one that answers every CONNECT with the given status, names it in $HTTPS_PROXY, and writes a line for each
	// request into the file connects.
	"proxy": func(ts *testscript.TestScript, _ bool, args []string) {
		status, err := strconv.Atoi(args[0])
		ts.Check(err)
		file, err := os.OpenFile(ts.MkAbs("connects"), os.O_CREATE|os.O_APPEND|os.O_TRUNC|os.O_WRONLY, 0o644)
		ts.Check(err)
		proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintln(file, r.Method, r.Host)
			w.WriteHeader(status)
		}))
		ts.Defer(func() { proxy.Close(); file.Close() })
		ts.Setenv("HTTPS_PROXY", proxy.URL)
	},
	// stall lets every token request stand still.
	"stall": func(ts *testscript.TestScript, _ bool, _ []string) {
		q := ts.Value(quayKey{}).(*quaytest.Quay)
		q.Faults.Add(quaytest.Fault{Name: "stall", Path: "^/v2/auth$", Times: -1, Effect: quaytest.Stall(nil)})
	},
	// await-stall waits until one does.
	"await-stall": func(ts *testscript.TestScript, _ bool, _ []string) {
		q := ts.Value(quayKey{}).(*quaytest.Quay)
		for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
			if slices.ContainsFunc(q.Requests(), func(r quaytest.Request) bool { return r.Fault == "stall" }) {
				return
			}
		}
		ts.Fatalf("nothing stalled")
	},
}

func writeLayout(dir string) error {
	image, err := random.Image(1000, 2)
	if err != nil {
		return err
	}
	path, err := layout.Write(dir, empty.Index)
	if err != nil {
		return err
	}
	return path.AppendImage(image)
}

// The step's image is small and its attack surface is what it needs.
func TestDependencies(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, dep := range strings.Fields(string(out)) {
		for _, banned := range []string{"k8s.io/", "knative.dev/", "github.com/tektoncd/", "github.com/spf13/", "sigs.k8s.io/", "testing"} {
			if strings.HasPrefix(dep, banned) {
				t.Errorf("push-image depends on %s", dep)
			}
		}
	}
}
