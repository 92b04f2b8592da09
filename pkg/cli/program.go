// Package cli is the platform team's tool: its commands, its words, and the real Quay, Vault and cluster behind package
// robot's interfaces. What a command does is in the domain packages.
package cli

import (
	"context"
	"io"
	"net/http"
	"os"
	"time"

	"golang.org/x/term"

	"github.com/comptech-lab/quay-push/pkg/secret"
)

// Program is the tool with what is around it. New returns the real one.
type Program struct {
	In       io.Reader
	Out, Err io.Writer
	// Getenv reads the environment.
	Getenv func(string) string
	// Now tells the time.
	Now func() time.Time
	// Poll is the time between two looks at what is waited for, Tick between two lines that say that it goes on.
	Poll, Tick time.Duration
	// Lease is how long a team's Lease is good after its holder died.
	Lease time.Duration
	// Rate is how many requests a second Quay is sent where no flag says it; 0 means package quay's default.
	Rate float64
	// Transport carries what goes to Quay; nil means Go's own.
	Transport *http.Transport
	// Cluster opens the cluster of a context, empty the current one; Vault opens Vault. Nil means what flags and environment name.
	Cluster func(context string) (Clients, error)
	Vault   func(mount string) (Vault, error)
	// VaultLogin returns the token that vault login left; zero if there is none.
	VaultLogin func() (secret.Value, error)
	// Terminal reports whether somebody sits at In who can be asked.
	Terminal func() bool
}

// New returns the program as a shell runs it.
func New() *Program {
	return &Program{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv, Now: time.Now, Poll: 2 * time.Second, Tick: 10 * time.Second,
		Lease: 30 * time.Second, VaultLogin: vaultLogin, Terminal: func() bool { return term.IsTerminal(int(os.Stdin.Fd())) }}
}

// Run does what the arguments, without the program's name, say, and returns the exit code. The result goes to Out; progress,
// and what is wrong with the next step, to Err.
func (p *Program) Run(ctx context.Context, args []string) Exit {
	root := p.newRoot()
	root.SetArgs(args)
	root.SetIn(p.In)
	root.SetOut(p.Out)
	root.SetErr(p.Err)
	addCompletion(root)
	cmd, err := root.ExecuteContextC(ctx)
	if rest := cmd.Flags().Args(); err == nil && len(rest) > 0 && cmd.HasSubCommands() {
		// With --help cobra does not look at the arguments: an unknown command has no help.
		err = cmd.ValidateArgs(rest)
	}
	exit := exitOf(ctx, err)
	p.printError(err)
	return exit
}
