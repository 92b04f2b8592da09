package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// complete has the shell offer what f finds for a flag.
func complete(cmd *cobra.Command, flag string, f cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(flag, f); err != nil {
		panic(err) // The flag is defined by the caller.
	}
}

// offer is a completion of the names that find returns. A shell that cannot be answered soon is told nothing.
func offer(find func(ctx context.Context) ([]string, error)) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, prefix string) ([]string, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(cmd.Context(), completionTimeout)
		defer cancel()
		names, err := find(ctx)
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		names = slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, prefix) })
		slices.Sort(names)
		return slices.Compact(names), cobra.ShellCompDirectiveNoFileComp
	}
}

// first offers names for the first argument, and nothing for those after it.
func first(f cobra.CompletionFunc) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return f(cmd, args, prefix)
	}
}

// completeTeam offers the teams that have an ExternalSecret, with their organizations, and those that have a namespace.
func (c *connection) completeTeam(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	return first(offer(func(ctx context.Context) ([]string, error) {
		names, err := c.tenancy(ctx)
		if err != nil {
			return nil, err
		}
		clients, err := c.cluster()
		if err != nil {
			return nil, err
		}
		view := &cluster{clients, names}
		found := []string{}
		tenants, noTenants := view.tenants(ctx)
		for _, t := range tenants {
			found = append(found, t.Team)
		}
		namespaces, err := view.namespaces(ctx)
		if err != nil {
			return found, noTenants
		}
		for _, n := range namespaces {
			if team := view.owner(n); team != "" {
				found = append(found, team)
			}
		}
		for i, team := range found {
			found[i] = cobra.CompletionWithDesc(team, view.config.Names(team).Organization)
		}
		return found, nil
	}))(cmd, args, prefix)
}

// completeContext offers the contexts of the kubeconfig.
func (c *connection) completeContext(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	return offer(func(context.Context) ([]string, error) {
		kubeconfig, err := c.loader().RawConfig()
		names := []string{}
		for name := range kubeconfig.Contexts {
			names = append(names, name)
		}
		return names, err
	})(cmd, args, prefix)
}

// completeNamespace offers the cluster's namespaces.
func (c *connection) completeNamespace(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	return offer(func(ctx context.Context) ([]string, error) {
		clients, err := c.cluster()
		if err != nil {
			return nil, err
		}
		return namesOf(clients.Kube.CoreV1().Namespaces().List(ctx, metav1.ListOptions{}))
	})(cmd, args, prefix)
}

// namesOf returns the names of a list's objects.
func namesOf[L runtime.Object](list L, err error) (names []string, _ error) {
	if err != nil {
		return nil, err
	}
	err = meta.EachListItem(list, func(o runtime.Object) error {
		object, err := meta.Accessor(o)
		if err == nil {
			names = append(names, object.GetName())
		}
		return err
	})
	return names, err
}
