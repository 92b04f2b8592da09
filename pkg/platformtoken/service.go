// Package platformtoken replaces the OAuth token with which the platform administers Quay, before it gets old: one that a person made by
// hand lives for ten years. It needs Quay 3.18, whose API makes such tokens.
package platformtoken

import (
	"context"
	"time"

	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

// Quay is Quay, asked with one token; *quay.Client is one.
type Quay interface {
	Config(ctx context.Context) (quay.Config, error)
	Organization(ctx context.Context, organization string) (quay.Organization, error)
	ApplicationTokens(ctx context.Context, organization, application string) ([]quay.ApplicationToken, error)
	CreateApplicationToken(ctx context.Context, organization, application, name, scope string, lifetime time.Duration) (quay.ApplicationToken, error)
	DeleteApplicationToken(ctx context.Context, organization, application, uuid string) error
}

// Vault is where the token is kept; *vault.Client is one.
type Vault interface {
	Read(ctx context.Context, path string) (vault.Secret, error)
	Write(ctx context.Context, path string, data vault.Data, current int) (version int, err error)
	Metadata(ctx context.Context, path string) (vault.Metadata, error)
	Destroy(ctx context.Context, path string, versions []int) error
}

// Delivery is what brings the token from Vault to those who use it.
type Delivery interface {
	// Refresh has it read Vault now.
	Refresh(ctx context.Context) error
	// Token is the one that they have; none is no error.
	Token(ctx context.Context) (secret.Value, error)
}

// Services are what a rotation works on.
type Services struct {
	Vault Vault
	// Quay returns Quay asked with a token.
	Quay func(token secret.Value) (Quay, error)
	// Delivery may be nil: nobody is waited for.
	Delivery Delivery
	// Poll is the time between two looks at the delivery.
	Poll time.Duration
	Now  func() time.Time
	// Report is told what is done; nil means nobody.
	Report func(what string)
}

func (s Services) report(what string) {
	if s.Report != nil {
		s.Report(what)
	}
}

// Options say what is to be replaced.
type Options struct {
	// Path is where in Vault the token is: its keys are token and, from the first rotation on, uuid.
	Path string
	// Organization and Application, its client ID, are those of the token.
	Organization, Application string
	// Prove are organizations that a new token must administer.
	Prove []string
	// MaxAge leaves a token alone that is younger; 0 leaves none alone. Lifetime is that of the new one.
	MaxAge, Lifetime time.Duration
}

// Result is what was done.
type Result struct {
	// Rotated says that there is a new token, Resumed that an unfinished rotation was finished and none begun. Neither: it was young.
	Rotated, Resumed bool
	// Created and Expires are the times of the token in use; zero where they are not known.
	Created, Expires time.Time
	// Deleted are the UUIDs of tokens that were ended.
	Deleted []string
	// ByHand are the other tokens of the application, which somebody made on Quay's pages. One of them was in use before the first
	// rotation: which, Quay does not tell.
	ByHand []quay.ApplicationToken
}
