package cli

import (
	"testing"

	"github.com/spf13/cobra"
)

// The help of a command says that --context is repeated, and that there is a wide output, where that is so and nowhere else.
func TestOwnFlags(t *testing.T) {
	for _, test := range []struct {
		flag, want, elsewhere, annotation string
	}{
		{"context", "`name` of the context in the kubeconfig; repeated, of every cluster that renders the credential", "`name` of the context in the kubeconfig", everyCluster},
		{"output", "`format`: table, wide, json or yaml", "`format`: table, json or yaml", wideToo},
	} {
		seen := map[bool]int{}
		var look func(cmd *cobra.Command)
		look = func(cmd *cobra.Command) {
			_, own := cmd.Annotations[test.annotation]
			want := test.elsewhere
			if seen[own]++; own {
				want = test.want
			}
			flag := cmd.Flags().Lookup(test.flag)
			if flag == nil {
				flag = cmd.InheritedFlags().Lookup(test.flag)
			}
			if flag == nil || flag.Usage != want || flag.Shorthand != test.flag[:1] {
				t.Errorf("%s: --%s is %+v, want %q", cmd.CommandPath(), test.flag, flag, want)
			}
			for _, child := range cmd.Commands() {
				look(child)
			}
		}
		root := New().newRoot()
		for _, cmd := range root.Commands() {
			look(cmd)
		}
		if seen[true] == 0 || seen[false] == 0 {
			t.Errorf("--%s: of commands with and without there are %v", test.flag, seen)
		}
	}
}
