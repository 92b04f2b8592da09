package push

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/comptech-lab/quay-push/pkg/secret"
)

// connect finds the credential and makes the client that may use it.
func (p *pusher) connect() error {
	match, err := findCredential(p.opts.Dockerconfig, dockerconfigFlag, p.to)
	if err != nil {
		return err
	}
	p.credential, p.key = match.Credential, match.Key
	p.log.Info("found the credential", "key", p.key, "robot", p.credential.Username)
	organization := firstElement(p.to.repository)
	if own, _, ok := p.credential.Robot(); ok && own != organization {
		return &Error{Class: ClassOtherOrganization, Problem: fmt.Sprintf("robot %q cannot push to organization %q", p.credential.Username, organization),
			Proof: fmt.Sprintf("a Quay robot has rights in its own organization alone, %q; auths entry %q", own, p.key),
			Next:  "use the Secret of the team that owns " + p.to.name()}
	}
	transport, err := newTransport(p.opts.CAFile)
	if err != nil {
		return err
	}
	base := url.URL{Scheme: "https", Host: p.to.host}
	if p.opts.PlainHTTP {
		base.Scheme = "http"
	}
	if err := checkProxy(base.Scheme); err != nil {
		return err
	}
	proxy, err := http.ProxyFromEnvironment(&http.Request{URL: &base})
	if err == nil && proxy != nil {
		p.log.Info("going through a proxy", "proxy", proxy.Host)
	}
	p.registry = &registry{base: base, repository: p.to.repository, role: targetRole, caFile: p.opts.CAFile, tokenHost: p.opts.TokenHost, credential: p.credential,
		client: newClient(transport), stall: p.opts.StallTimeout, now: p.opts.Now, mountFrom: p.mountFrom}
	if proxy == nil && !p.opts.PlainHTTP {
		p.registry.ahead = func(ctx context.Context) func() { return transport.spares.want(ctx, dialAddr(base.Host)) }
	}
	if p.registry.tokenHost == "" {
		p.registry.tokenHost = base.Host
	}
	return nil
}

// login learns, before the first byte, whether the robot may push.
func (p *pusher) login(ctx context.Context) error {
	return p.retry.run(ctx, "logging in", func(ctx context.Context, _ int) error {
		ask := p.registry.login
		if p.opts.readOnly() {
			if err := p.checkExists(ctx); err != nil {
				return err
			}
			ask = p.registry.rights
		}
		actions, known, err := ask(ctx, scopePush)
		if err != nil {
			return err
		}
		if !known {
			p.log.Warn("the token does not tell what the robot may do", "robot", p.credential.Username)
			return nil
		}
		p.log.Info("asked for the right to push", "robot", p.credential.Username, "repository", p.to.repository, "has", actions)
		if err := p.registry.checkRight(actions, p.key); err != nil {
			return err
		}
		return p.checkMount(ctx)
	})
}

// checkMount gives up mounting from the source's repository if the robot may not read there: Quay would not say so, but
// start an upload each time.
func (p *pusher) checkMount(ctx context.Context) error {
	if p.registry.mountFrom == "" {
		return nil
	}
	t, err := p.registry.tokens.get(ctx, secret.Value{})
	if err != nil {
		return err
	}
	if actions := t.actions(p.registry.mountFrom); !slices.Contains(actions, "pull") && !slices.Contains(actions, "*") {
		p.log.Info("the robot cannot read the source repository, so blobs will be uploaded, not mounted", "repository", p.registry.mountFrom)
		p.registry.mountFrom = ""
	}
	return nil
}

// checkExists makes sure that asking for the right to push has no effect: Quay creates a missing repository when it is
// asked, if the robot may create (quay/quay endpoints/v2/v2auth.py).
func (p *pusher) checkExists(ctx context.Context) error {
	actions, known, err := p.registry.login(ctx, scopePull)
	if err != nil || !known || slices.Contains(actions, "pull") || slices.Contains(actions, "*") {
		return err
	}
	return &Error{Class: ClassNoAccess, Problem: fmt.Sprintf("%s does not exist, or robot %q has no right on it", p.to.name(), p.credential.Username),
		Proof: fmt.Sprintf("its token, bought with the auths entry %q, has %q", p.key, actions),
		Next:  "create the repository; a push would ask for the right to push, at which Quay creates it if the robot may; a rehearsal does not"}
}
