package main

import (
	"bufio"
	"fmt"
	"net"
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

	"github.com/comptech-lab/quay-push/internal/oidctest"
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
		env.Values[testKey{}] = env.T()
		env.Setenv("HOST", q.Host())
		env.Setenv("CA", q.CAFile())
		env.Setenv("OTHER_CA", quaytest.Start(env.T().(testing.TB)).CAFile())
		env.Setenv("TOKEN", token)
		env.Setenv("DOCKER_CONFIG", "")
		return writeLayout(filepath.Join(env.WorkDir, "image"))
	}})
}

type (
	quayKey struct{}
	testKey struct{}
)

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
	// issuer starts one that the robot trusts, writes a token of it into the file that is named, and makes the robot's own token unknown.
	"issuer": func(ts *testscript.TestScript, _ bool, args []string) {
		q, issuer := ts.Value(quayKey{}).(*quaytest.Quay), oidctest.Start(ts.Value(testKey{}).(testing.TB))
		q.TrustIssuers(issuer.Authorities())
		q.SetFederation("team-a+ci", quaytest.Federation{Issuer: issuer.URL(), Subject: "ci"})
		q.RegenerateRobot("team-a+ci")
		ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(issuer.Token("ci")+"\n"), 0o600))
	},
	// echo starts a registry that says of its own accord, after each answer, what it was sent, and names it in $ECHO.
	"echo": func(ts *testscript.TestScript, _ bool, _ []string) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		ts.Check(err)
		ts.Defer(func() { listener.Close() })
		ts.Setenv("ECHO", listener.Addr().String())
		go func() {
			for {
				connection, err := listener.Accept()
				if err != nil {
					return
				}
				go echo(connection, listener.Addr().String())
			}
		}()
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

// echo asks for a credential, and sends it back when nobody asks.
func echo(connection net.Conn, host string) {
	defer connection.Close()
	requests := bufio.NewReader(connection)
	for {
		r, err := http.ReadRequest(requests)
		if err != nil {
			return
		}
		_, password, ok := r.BasicAuth()
		if !ok {
			fmt.Fprintf(connection, "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer realm=\"http://%s/v2/auth\"\r\nContent-Length: 0\r\n\r\n", host)
			continue
		}
		// That is tried again, so that the program is still there for what follows.
		fmt.Fprint(connection, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
		time.Sleep(100 * time.Millisecond)
		fmt.Fprintf(connection, "HTTP/1.1 200 %s\r\n\r\n", password)
	}
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
