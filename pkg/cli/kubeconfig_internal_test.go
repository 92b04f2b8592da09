package cli

import (
	"os"
	"path/filepath"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
)

// Where no kubeconfig is found, the error names what was looked for.
func TestNoKubeconfig(t *testing.T) {
	home := filepath.Join(t.TempDir(), "config")
	defer func(before string) { clientcmd.RecommendedHomeFile = before }(clientcmd.RecommendedHomeFile)
	clientcmd.RecommendedHomeFile = home
	t.Setenv("KUBECONFIG", "")
	for _, test := range []struct {
		name, variable, want string
		there                bool
	}{
		{"none", "", `there is no kubeconfig: $KUBECONFIG is not set, and "` + home + `" does not exist`, false},
		{"an empty one", "", `kubeconfig "` + home + `" does not exist, or has no current context with a cluster`, true},
		{"that of the variable", "/nope", `kubeconfig "/nope" does not exist, or has no current context with a cluster`, true},
	} {
		if test.there {
			if err := os.WriteFile(home, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		c := &connection{program: &Program{Getenv: func(string) string { return test.variable }}}
		if err := c.kubeconfigError(clientcmd.ErrEmptyConfig); exitOf(t.Context(), err) != ExitUsage || err.Error() != test.want+"; "+kubeconfigNext {
			t.Errorf("%s: %v, want %s", test.name, err, test.want)
		}
	}
}
