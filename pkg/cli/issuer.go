package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/spf13/cobra"
	apierrs "k8s.io/apimachinery/pkg/api/errors"

	"github.com/comptech-lab/quay-push/pkg/federation"
	"github.com/comptech-lab/quay-push/pkg/secret"
)

// The paths of the API server's two documents about its tokens.
const (
	discoveryPath = "/.well-known/openid-configuration"
	keysPath      = "/openid/v1/jwks"
)

// addIssuerFlag defines the flag of a command on keyless teams.
func (c *connection) addIssuerFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&c.issuer, "issuer", "", "`name` of the cluster's issuer of tokens, for a keyless team (default what its own discovery document says)")
}

// issuerName is the name of the cluster's issuer: that of the flag, else that of its own document.
func (c *connection) issuerName(ctx context.Context) (string, error) {
	if c.issuer != "" {
		return c.issuer, nil
	}
	i, err := c.clusterIssuer(ctx)
	return i.Name, err
}

// errNoDocuments is an API server that does not say who makes its tokens.
var errNoDocuments = errors.New("the API server's documents about its tokens are of no use")

// clusterIssuer reads what the API server says of its tokens.
func (c *connection) clusterIssuer(ctx context.Context) (federation.Issuer, error) {
	clients, err := c.cluster()
	if err != nil {
		return federation.Issuer{}, err
	}
	documents := [2][]byte{}
	for i, path := range []string{discoveryPath, keysPath} {
		if documents[i], err = clients.Document(ctx, path); err != nil {
			return federation.Issuer{}, fmt.Errorf("reading %s of the API server, which ClusterRole system:service-account-issuer-discovery gives the right to: %w", path, err)
		}
	}
	i, err := federation.ReadIssuer(documents[0], documents[1])
	if err != nil {
		err = fmt.Errorf("%w: %w", errNoDocuments, err)
	}
	return i, err
}

// checkedIssuer is issuerName, of an issuer whose tokens Quay can take. Another than the cluster's own is taken as it is.
func (c *connection) checkedIssuer(ctx context.Context) (string, error) {
	i := federation.Issuer{Name: c.issuer}
	problem, next := federation.RefusalOf(c.issuer)
	if c.issuer == "" {
		var err error
		if i, err = c.clusterIssuer(ctx); apierrs.IsForbidden(err) {
			return "", &failure{ExitNoRight, err.Error(), "ask for that right, or give the issuer's name with --issuer"}
		} else if errors.Is(err, errNoDocuments) {
			return "", &failure{ExitFailure, err.Error(), "see what kubectl get --raw " + discoveryPath + " prints, or give the issuer's name with --issuer"}
		} else if err != nil {
			return "", err
		}
		problem, next = i.Refusal()
	}
	if problem != "" {
		return "", &failure{ExitRefused, "no team can be keyless here: " + problem, next}
	}
	return i.Name, nil
}

// exchange returns what exchanges tokens at Quay, as the controller does.
func (c *connection) exchange(host string) (func(context.Context, string, secret.Value) (secret.Value, error), error) {
	client, err := c.quayHTTP()
	if err != nil {
		return nil, err
	}
	address, err := url.Parse(cmp.Or(c.quayURL, "https://"+host))
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, robot string, token secret.Value) (secret.Value, error) {
		password, _, err := federation.Exchange(ctx, client, address, robot, token)
		return password, err
	}, nil
}
