package cli

import (
	"strings"

	"github.com/spf13/cobra"
)

// completeTeam offers the teams that have an ExternalSecret. A shell that cannot be answered is told nothing.
func (c *connection) completeTeam(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	names, err := c.tenancy(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	clients, err := c.cluster()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	tenants, err := (&cluster{clients, names}).tenants(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	found := []string{}
	for _, t := range tenants {
		if strings.HasPrefix(t.Team, prefix) {
			found = append(found, cobra.CompletionWithDesc(t.Team, t.Organization))
		}
	}
	return found, cobra.ShellCompDirectiveNoFileComp
}
