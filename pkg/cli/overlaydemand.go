package cli

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/comptech-lab/quay-push/pkg/dockerconfig"
	"github.com/comptech-lab/quay-push/pkg/overlay"
	"github.com/comptech-lab/quay-push/pkg/push/verdict"
	"github.com/comptech-lab/quay-push/pkg/receipt"
)

// demands are the flags by which overlay promote and verify ask more of a digest than that it is one.
type demands struct {
	receiptKey, dockerconfig, gate string
	verdictWithin                  time.Duration
}

// add defines the flags.
func (d *demands) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&d.receiptKey, "receipt-key", "", "PEM `file` with the public key: each digest needs a receipt that it has signed, of a push of the overlay's team")
	flags.DurationVar(&d.verdictWithin, "verdict-within", 0, "each digest needs a verdict of Quay's scanner that is no older than the `duration`, such as 168h")
	flags.StringVar(&d.gate, "gate", "", "with --verdict-within, refuse a digest with a vulnerability of this `severity` or worse: negligible, low, medium, high or critical")
	flags.StringVar(&d.dockerconfig, "dockerconfig", "", "`file` with a credential that may read the images, or its directory (default $DOCKER_CONFIG; without one, nobody's)")
}

// asker asks registries about digests.
type asker struct {
	demands
	keys   []*ecdsa.PublicKey
	policy verdict.Policy
	config dockerconfig.Config
	client *http.Client
	now    func() time.Time
}

// list returns what the flags demand; nothing if none is given.
func (d demands) list(c *connection) ([]overlay.Demand, error) {
	if d.receiptKey == "" && d.verdictWithin == 0 {
		if d.gate != "" {
			return nil, usagef("say how old the verdict may be, such as --verdict-within 168h", "--gate is given without --verdict-within")
		}
		return nil, nil
	}
	if d.verdictWithin < 0 {
		return nil, usagef("give a duration such as 168h", "--verdict-within is %s", d.verdictWithin)
	}
	a := &asker{demands: d, now: c.program.Now}
	if err := a.open(c); err != nil {
		return nil, err
	}
	var all []overlay.Demand
	if d.receiptKey != "" {
		all = append(all, a.receipt)
	}
	if d.verdictWithin > 0 {
		all = append(all, a.verdict)
	}
	return all, nil
}

// open reads the files that the flags name.
func (a *asker) open(c *connection) (err error) {
	if a.receiptKey != "" {
		data, err := os.ReadFile(a.receiptKey)
		if err == nil {
			a.keys, err = receipt.ParsePublic(data)
		}
		if err != nil {
			return usagef("give the public key of receipt-key, see docs/receipts.md", "--receipt-key: %v", err)
		}
	}
	threshold, err := verdict.ParseThreshold(a.gate)
	if err != nil {
		return usagef("give one of negligible, low, medium, high and critical", "--gate: %v", err)
	}
	a.policy = verdict.Policy{Threshold: threshold}
	path, flag := a.dockerconfig, "--dockerconfig"
	if path == "" {
		path, flag = c.program.Getenv("DOCKER_CONFIG"), "$DOCKER_CONFIG"
	}
	if path != "" {
		if a.config, err = dockerconfig.Read(path); err != nil {
			return usagef("name a Docker config file, or the directory that has one", "%s: %v", flag, err)
		}
	}
	a.client, err = c.quayHTTP()
	return err
}

// readerNext is what else to look at where a registry was asked for an image in vain.
const readerNext = "whether --dockerconfig has a robot that may read there, and --quay-ca-file the registry's authority"

// credential is the one for the image; the zero one if there is none.
func (a *asker) credential(image string) (host, repository string, credential dockerconfig.Credential, err error) {
	host, repository, _ = strings.Cut(image, "/")
	match, err := a.config.For(host, repository)
	if errors.Is(err, dockerconfig.ErrNoEntry) {
		return host, repository, credential, nil
	} else if err != nil {
		return "", "", credential, usagef("let the Docker config file have a user name and a password for the registry", "asking about %q: %v", image, err)
	}
	return host, repository, match.Credential, nil
}

// receipt demands one.
func (a *asker) receipt(ctx context.Context, o overlay.Overlay, pin overlay.Pin) error {
	_, err := a.find(ctx, o, pin)
	if wrong := (*receipt.Invalid)(nil); errors.As(err, &wrong) {
		return &overlay.Refusal{Reason: overlay.ReasonNoReceipt, Problem: wrong.Problem,
			Next: "push it with PushImage in a run of the team, which writes a receipt, or pin a digest that has one"}
	}
	return err
}

func (a *asker) find(ctx context.Context, o overlay.Overlay, pin overlay.Pin) (receipt.Statement, error) {
	host, _, credential, err := a.credential(pin.Image)
	if err != nil {
		return receipt.Statement{}, err
	}
	store := receipt.Store{Repository: pin.Image, Options: receipt.LargeOptions(a.client.Transport, host, credential)}
	found, _, err := store.Find(ctx, a.keys, receipt.Expectation{Repository: pin.Image, Digest: pin.Digest, Team: o.Team})
	if err != nil && !errors.As(err, new(*receipt.Invalid)) {
		return found, &failure{ExitFailure, err.Error(), fmt.Sprintf("see whether %s answers, and %s", host, readerNext)}
	}
	return found, err
}
