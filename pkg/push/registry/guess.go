package registry

import (
	"context"
	"errors"
	"net/http/httptrace"
	"sync"
)

// guess buys a token where Quay has its token service, on the registry's own host, while the registry is still asked where
// it is: that is a round trip less. The credential goes to no other host than it would, and the token counts only if the
// guess was right.
type guess struct {
	challenge challenge
	buy       func() (token, error)
	cancel    context.CancelFunc

	once  sync.Once
	done  chan struct{}
	token token
	err   error
}

// errNoGuess is the outcome of a guess that was never made.
var errNoGuess = errors.New("no guess was made")

// guess prepares one for a token with the given scope. It is made as soon as a request with the returned context has a
// connection, which both then share.
func (r *Registry) guess(ctx context.Context, scope string) (*guess, context.Context) {
	buying, cancel := context.WithCancel(ctx)
	g := &guess{challenge: r.quayChallenge(), cancel: cancel, done: make(chan struct{}), err: errNoGuess}
	g.buy = func() (token, error) { return r.exchange(buying, g.challenge, scope, r.mountFrom) }
	if r.tokenHost != r.Base.Host {
		return g, ctx
	}
	return g, httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { g.start() }})
}

// quayChallenge is how Quay says where its tokens are (quay/quay auth/registry_jwt_auth.py).
func (r *Registry) quayChallenge() challenge {
	realm := r.Base
	realm.Path = "/v2/auth"
	return challenge{realm: realm.String(), service: r.Base.Host}
}

func (g *guess) start() {
	g.once.Do(func() {
		go func() {
			defer close(g.done)
			g.token, g.err = g.buy()
		}()
	})
}

// result is what the guess bought, if it was made and right is the challenge that the registry sent.
func (g *guess) result(right challenge) (token, error) {
	if right != g.challenge {
		g.cancel()
	}
	// A guess that was not made by now never will be.
	g.once.Do(func() { close(g.done) })
	<-g.done
	g.cancel()
	if right != g.challenge {
		return token{}, errNoGuess
	}
	return g.token, g.err
}
