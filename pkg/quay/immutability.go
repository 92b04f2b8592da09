package quay

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
)

// ImmutabilityPolicy keeps tags of an organization where they are: nobody moves or deletes one, auto-prune leaves it alone, and it
// does not expire (quay/quay endpoints/api/immutability_policy.py).
type ImmutabilityPolicy struct {
	// ID is Quay's, empty for one that is to be made.
	ID string `json:"uuid,omitempty"`
	// Pattern is a regular expression for the whole name of a tag. Without Matches the policy is for the tags that it does not match.
	Pattern string `json:"tagPattern"`
	Matches bool   `json:"tagPatternMatches"`
}

// Keeps reports whether the policy keeps every one of tags. Quay reads the pattern as Python's module regex does: one that Go cannot
// read keeps none here.
func (p ImmutabilityPolicy) Keeps(tags ...string) bool {
	whole, err := regexp.Compile("^(?:" + p.Pattern + ")$")
	for _, tag := range tags {
		if err != nil || whole.MatchString(tag) != p.Matches {
			return false
		}
	}
	return true
}

// ErrNoImmutability says that this Quay has no immutability policies.
var ErrNoImmutability = errors.New("this Quay has no immutability policies: they came with 3.17, and FEATURE_IMMUTABLE_TAGS turns them on")

// ImmutabilityPolicies lists those of organization. The OAuth token needs org:admin. The error wraps ErrNoImmutability where Quay has none.
func (c *Client) ImmutabilityPolicies(ctx context.Context, organization string) ([]ImmutabilityPolicy, error) {
	var answer struct {
		Policies []ImmutabilityPolicy `json:"policies"`
	}
	if err := c.immutabilityCall(ctx, organization, call{method: http.MethodGet, out: &answer}); err != nil {
		return nil, fmt.Errorf("listing immutability policies of %q: %w", organization, err)
	}
	return answer.Policies, nil
}

// CreateImmutabilityPolicy adds a policy to organization. Quay applies it at once to every tag that is there, which may take long, and
// takes the expiry off those. If there is one with the same pattern, whichever way it matches, the error is one for IsExists; an
// organization that is a mirror takes none, which IsMirrored tells.
func (c *Client) CreateImmutabilityPolicy(ctx context.Context, organization string, p ImmutabilityPolicy) error {
	p.ID = ""
	if err := c.immutabilityCall(ctx, organization, call{method: http.MethodPost, in: p}); err != nil {
		return fmt.Errorf("creating immutability policy %q of %q: %w", p.Pattern, organization, err)
	}
	return nil
}

func (c *Client) immutabilityCall(ctx context.Context, organization string, r call) error {
	r.path, r.slash = []string{"organization", organization, "immutabilitypolicy"}, true
	err := c.do(ctx, r)
	if hasNoRoute(err) {
		return fmt.Errorf("%w: %w", ErrNoImmutability, err)
	}
	return err
}

// IsMirrored reports whether err means that an organization takes no policy, as it is the mirror of another registry's namespace.
func IsMirrored(err error) bool {
	e := (*Error)(nil)
	return errors.As(err, &e) && e.Status == http.StatusBadRequest && e.says("organization-level mirroring")
}
