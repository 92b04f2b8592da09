package cli

import (
	"net/url"

	"github.com/spf13/cobra"

	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/gitops"
	"github.com/comptech-lab/quay-push/pkg/retention"
)

// gitFlags are the flags of a command that reads GitOps repositories.
type gitFlags struct {
	gitops             []string
	credential, caFile string
	plainHTTP          bool
	// ignoreSubmodules and ignoreLFS have what is not in the repository itself pin nothing.
	ignoreSubmodules, ignoreLFS bool
}

// add defines them.
func (f *gitFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.gitops, "gitops", nil, "`URL` of the GitOps repository, https://HOST[:PORT]/PATH; repeated for each, on one host")
	flags.StringVar(&f.credential, "git-credential-dir", "", "`directory` with the files username, and password or token, for the Git server")
	flags.StringVar(&f.caFile, "git-ca-file", "", "PEM `file` of certificate authorities to trust for the Git server beside the system's")
	flags.BoolVar(&f.plainHTTP, "git-plain-http", false, "allow a Git server without TLS: the credential goes over the network for all to read")
	flags.BoolVar(&f.ignoreSubmodules, "ignore-submodules", false, "submodules pin no image, or their repositories have a --gitops of their own")
	flags.BoolVar(&f.ignoreLFS, "ignore-lfs", false, "no file in Git LFS pins an image")
}

// check refuses what would show the credential to others.
func (f *gitFlags) check() error {
	hosts := map[string]bool{}
	for _, text := range f.gitops {
		if u, err := url.Parse(text); err == nil {
			if u.Scheme == "http" && !f.plainHTTP {
				return usagef("give an https URL, or --git-plain-http, which sends the credential for all to read", "--gitops %q has no TLS", text)
			}
			hosts[u.Scheme+"://"+u.Host] = true
		}
	}
	if len(hosts) > 1 && f.credential != "" {
		return usagef("run it where all are on one host", "--git-credential-dir would go to %d hosts", len(hosts))
	}
	return checkExists("--git-credential-dir", f.credential, "directory")
}

// open returns the repositories, of which nothing was read yet. Their readers are the caller's to close.
func (f *gitFlags) open(names *config.Config) (found []*retention.Git, err error) {
	for _, repository := range f.gitops {
		reader, err := gitops.NewReader(gitops.Reading{Repository: repository, Credential: f.credential, CAFile: f.caFile, PlainHTTP: f.plainHTTP})
		if err != nil {
			return nil, gitFailure(err)
		}
		found = append(found, &retention.Git{Reader: reader, Organization: organizationOf(names), IgnoreSubmodules: f.ignoreSubmodules, IgnoreLFS: f.ignoreLFS})
	}
	return found, nil
}

// organizationOf returns what tells the organization of a directory apps/<team>; "" for what is no team.
func organizationOf(names *config.Config) func(string) string {
	return func(text string) string {
		team, err := names.ParseTeam(text)
		if err != nil {
			return ""
		}
		return names.Names(team).Organization
	}
}
