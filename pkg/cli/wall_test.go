package cli_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/cli"
)

// walls are what answers in place of Quay and Vault, with what is told of it.
var walls = map[string]struct {
	status       int
	header       http.Header
	body         string
	proof, other string
}{
	"a page": {403, nil, "<html><title>Request Rejected</title><script>x()</script><body>Your support ID is: <b>4711</b>" + strings.Repeat("<p>word", 9000),
		"Request Rejected Your support ID is: 4711 word", "403 Forbidden"},
	"a login":          {302, http.Header{"Location": {"https://sso.example.com/authorize?state=hidden"}}, "", "https://sso.example.com", "302 Found"},
	"a login with 200": {200, nil, "<html><body>Sign in</body>", "Sign in", "200 OK"},
	"a missing page":   {404, nil, "<html><body>No such site</body>", "No such site", "404 Not Found"},
}

// beforeQuay has the wall answer all that Quay is asked, beforeVault all that Vault is.
func beforeQuay(w *world, wall string) {
	w.quay.Faults.Add(quaytest.Fault{Times: -1, Effect: quaytest.Status(walls[wall].status, walls[wall].header, walls[wall].body)})
}

func beforeVault(w *world, wall string) {
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		maps.Copy(rw.Header(), walls[wall].header)
		rw.WriteHeader(walls[wall].status)
		fmt.Fprint(rw, walls[wall].body)
	}))
	w.Cleanup(server.Close)
	w.vaultAddress = server.URL
}

// Every command that asks Quay or Vault ends alike where something else answers: with the words of that, and with a next step about
// it, in contrast to one about a token or about what is missing.
func TestEveryCommandTellsOfAWall(t *testing.T) {
	commands := maps.Clone(commandLines)
	delete(commands, "rotate-briefly")
	delete(commands, "leak-briefly")
	maps.Copy(commands, map[string][]string{
		"onboard-repo": {"onboard", "payments", "--division", "payments", "--app", "app", "--repo", "app", "--apply"},
		"rotate-plan":  {"rotate", "payments", "--dry-run"},
		"leak-plan":    {"leak", "payments", "--since", "1h", "--dry-run"},
		"offboard-dry": {"offboard", "payments", "--dry-run"},
		"verify-all":   {"verify", "--all"},
		"doctor":       {"doctor"},
	})
	for what, stand := range map[string]func(*world, string){"Quay": beforeQuay, "Vault": beforeVault} {
		for wall, is := range walls {
			for name, line := range commands {
				t.Run(what+"/"+wall+"/"+name, func(t *testing.T) {
					w := newWorld(t)
					w.onboard("payments")
					stand(w, wall)
					want := cli.ExitNoRight
					if name == "doctor" {
						want = cli.ExitFindings // Nothing is installed.
					}
					exit, stdout, stderr := w.run(t.Context(), "", line...)
					said := stdout + stderr
					if exit != want || !strings.Contains(said, is.proof) || !strings.Contains(said, "in front of "+what) || !strings.Contains(said, "it is not about the rights of a token") {
						t.Errorf("exit %d, want %d:\n%s", exit, want, said)
					}
					if strings.Contains(said, "<") || strings.Contains(said, "hidden") || strings.Contains(said, strings.Repeat(" word", 60)) {
						t.Errorf("it tells too much of the page:\n%s", said)
					}
					if name != "doctor" && !strings.Contains(said, is.other) {
						t.Errorf("it does not tell %q:\n%s", is.other, said)
					}
				})
			}
		}
	}
}
