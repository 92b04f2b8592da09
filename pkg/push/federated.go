package push

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/dockerconfig"
	"github.com/comptech-lab/quay-push/pkg/federation"
	"github.com/comptech-lab/quay-push/pkg/push/credential"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/registry/transport"
)

// federated reports whether the credential comes from Quay, in exchange for an issuer's token.
func (o *Options) federated() bool { return o.FederatedTokenFile != "" }

// checkFederated checks the flags of an exchange, and that none excludes it.
func (o *Options) checkFederated() error {
	if o.FederatedTokenFile == "" && o.Robot == "" {
		return nil
	}
	_, _, isRobot := (dockerconfig.Credential{Username: o.Robot}).Robot()
	switch {
	case o.Robot == "":
		return failure.Usage("%s is missing, ORG+NAME: %s alone does not say whose token Quay is to give", failure.RobotFlag, failure.FederatedFlag)
	case o.FederatedTokenFile == "":
		return failure.Usage("%s is for %s, which is missing: a dockerconfig names its robot itself", failure.RobotFlag, failure.FederatedFlag)
	case o.Dockerconfig != "":
		return failure.Usage("%s and %s exclude each other: both are the credential for the push", failure.FederatedFlag, failure.DockerconfigFlag)
	case !isRobot || strings.ContainsRune(o.Robot, ':'):
		return failure.Usage("%s %q is not the name of a robot, ORG+NAME", failure.RobotFlag, o.Robot)
	case o.PlainHTTP:
		return failure.Usage("%s and --plain-http exclude each other: the tokens would be sent readable", failure.FederatedFlag)
	case o.TokenHost != "":
		return failure.Usage("%s and --token-host exclude each other: Quay alone exchanges tokens, and is its own token service", failure.FederatedFlag)
	}
	return nil
}

// federate makes Quay's exchange of tokens where the credential comes from, if the flags say so. release ends its connections.
func (p *pusher) federate() (release func(), err error) {
	if !p.opts.federated() {
		return func() {}, nil
	}
	client, err := p.newClient()
	if err != nil {
		return nil, err
	}
	exchanger := federation.Exchanger{Client: client, Base: &url.URL{Scheme: "https", Host: p.to.Host}, Pause: p.opts.RetryPause}
	p.robot = p.opts.Robot
	p.credential = &credential.Federated{Robot: p.robot, File: p.opts.FederatedTokenFile, Exchanger: exchanger, Log: p.log, Now: p.opts.Now}
	return client.CloseIdleConnections, nil
}

// newClient returns a client of what Quay has beside its registry.
func (p *pusher) newClient() (*http.Client, error) {
	if err := transport.CheckProxy(p.scheme()); err != nil {
		return nil, err
	}
	carrier, err := transport.New(p.opts.CAFile)
	if err != nil {
		return nil, err
	}
	return transport.NewClient(carrier), nil
}

// scheme is how Quay is spoken with.
func (p *pusher) scheme() string {
	if p.opts.PlainHTTP {
		return "http"
	}
	return "https"
}
