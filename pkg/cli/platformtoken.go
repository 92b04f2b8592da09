package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/comptech-lab/quay-push/pkg/platformtoken"
	"github.com/comptech-lab/quay-push/pkg/secret"
)

// platformRotated is the result of platform-token rotate.
type platformRotated struct {
	head
	// Rotated says that there is a new token, Resumed that an unfinished rotation was finished and none begun.
	Rotated bool `json:"rotated"`
	Resumed bool `json:"resumed"`
	// Created and Expires are the times of the token in use.
	Created time.Time `json:"created,omitzero"`
	Expires time.Time `json:"expires,omitzero"`
	// Deleted are the UUIDs of the tokens that were ended, ByHand those of the application that a person made and has to end.
	Deleted []string `json:"deleted,omitempty"`
	ByHand  []string `json:"byHand,omitempty"`
}

func (r platformRotated) write(w io.Writer) error {
	what := "the OAuth token is young enough, and stays"
	switch {
	case r.Rotated:
		what = "there is a new OAuth token"
	case r.Resumed:
		what = "an unfinished rotation is finished: the OAuth token in Vault is the one in use"
	}
	fmt.Fprintln(w, what)
	if !r.Created.IsZero() {
		fmt.Fprintf(w, "it is of %s", r.Created.Format(time.RFC3339))
		if !r.Expires.IsZero() {
			fmt.Fprintf(w, ", and expires at %s", r.Expires.Format(time.RFC3339))
		}
		fmt.Fprintln(w)
	}
	writeLines(w, "ended", r.Deleted)
	if len(r.ByHand) > 0 {
		fmt.Fprintln(w, "made by hand, and to be ended by hand once nobody uses them (Quay, organization, Applications):")
		writeLines(w, " ", r.ByHand)
	}
	return nil
}

// platformFlags are those of platform-token rotate.
type platformFlags struct {
	platformtoken.Options
	// externalSecret is the ExternalSecret that is waited for, <namespace>/<name>.
	externalSecret string
}

func (c *connection) newPlatformToken() *cobra.Command {
	return newGroup("platform-token", "Look after the OAuth token with which the platform administers Quay", c.newPlatformTokenRotate())
}

func (c *connection) newPlatformTokenRotate() *cobra.Command {
	var f platformFlags
	cmd := &cobra.Command{
		Use:   "rotate --organization ORGANIZATION --application CLIENT-ID",
		Short: "Give the platform a new OAuth token, where Quay is 3.18 or newer",
		Long: `Reads the OAuth token from Vault, has Quay make another one for the same user with the same scopes, proves that it administers the
organizations, writes it to Vault, waits until the Secret has it, and ends the old one. After a failure run it again: it goes on
where it was. The application is one that nobody else makes tokens for.

The first token, which a person made by hand, it cannot tell from others of the application: they are named, to be ended by hand.`,
		Example: `  tkn quay platform-token rotate --organization platform --application 7SVS3UQ0RGIDKKP4CQWL --wait-for quay-push/fleet-quay-token
  tkn quay platform-token rotate --organization platform --application 7SVS3UQ0RGIDKKP4CQWL --max-age 720h -o json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			return c.rotatePlatformToken(cmd.Context(), f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.Organization, "organization", "", "`name` of the organization that has the application")
	flags.StringVar(&f.Application, "application", "", "client `ID` of the application")
	require(cmd, "give both: the application's page in Quay shows its client ID", "organization", "application")
	addOAuthPathFlag(cmd, &f.Path, "")
	flags.StringVar(&f.externalSecret, "wait-for", "", "wait for the ExternalSecret `namespace/name`, whose Secret of the same name gets the token as key token")
	flags.DurationVar(&f.MaxAge, "max-age", 0, "leave a token alone that is younger; an unfinished rotation is finished anyway")
	flags.DurationVar(&f.Lifetime, "lifetime", 90*24*time.Hour, "how long the new one is good")
	c.addQuayAddressFlags(cmd)
	c.addVaultFlags(cmd)
	return cmd
}

// check refuses what cannot be.
func (f *platformFlags) check() error {
	switch {
	case f.MaxAge < 0:
		return usagef("give a duration such as 720h", "--max-age is %s", f.MaxAge)
	case f.Lifetime < time.Hour || f.MaxAge >= f.Lifetime:
		return usagef("give an hour or more, and more than --max-age", "--lifetime is %s: the token would end before the next rotation", f.Lifetime)
	case f.externalSecret != "" && (strings.Count(f.externalSecret, "/") != 1 || strings.HasPrefix(f.externalSecret, "/") || strings.HasSuffix(f.externalSecret, "/")):
		return usagef("write it as namespace/name", "--wait-for is %q", f.externalSecret)
	}
	return nil
}

// rotatePlatformToken replaces the token while nobody else does, and prints what was done.
func (c *connection) rotatePlatformToken(ctx context.Context, f platformFlags) error {
	address, err := c.quayAddress(ctx)
	if err != nil {
		return err
	}
	v, err := c.vault(ctx)
	if err != nil {
		return err
	}
	clients, err := c.cluster()
	if err != nil {
		return err
	}
	view := &cluster{clients, c.config}
	tenants, err := view.tenants(ctx)
	if err != nil {
		return err
	}
	const most = 10
	for _, t := range tenants[:min(len(tenants), most)] {
		f.Prove = append(f.Prove, t.Organization)
	}
	progress := c.program.start("waiting for the Lease of the OAuth token")
	defer progress.stop()
	s := platformtoken.Services{Vault: v, Poll: c.program.Poll, Now: c.program.Now, Report: progress.say,
		Quay: func(token secret.Value) (platformtoken.Quay, error) { return c.quayWith(ctx, address, token, false) }}
	if namespace, name, named := strings.Cut(f.externalSecret, "/"); named {
		s.Delivery = delivery{view, namespace, name}
	}
	var done platformtoken.Result
	err = c.exclusively(ctx, "platform-token", func(ctx context.Context) (err error) {
		done, err = platformtoken.Rotate(ctx, s, f.Options)
		return err
	})
	if err != nil {
		return err
	}
	r := platformRotated{head: newHead("PlatformTokenRotation"), Rotated: done.Rotated, Resumed: done.Resumed, Created: done.Created.UTC(), Expires: done.Expires.UTC(), Deleted: done.Deleted}
	for _, t := range done.ByHand {
		r.ByHand = append(r.ByHand, fmt.Sprintf("%s of %s, for %s", t.UUID, t.Created.UTC().Format(time.RFC3339), t.Scope))
	}
	return c.print(r)
}
