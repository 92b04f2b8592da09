package quay

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
)

// PrunePolicy has Quay delete tags by itself, but for immutable ones (quay/quay endpoints/api/policy.py, data/model/autoprune.py).
type PrunePolicy struct {
	// Method is number_of_tags, which leaves the newest Value tags, or creation_date, which takes those that were set longer ago
	// than Value, such as 7d.
	Method, Value string
	// Pattern is a regular expression for a part of the name of a tag; empty: the policy is for all tags. Without Matches it is for those
	// that it does not match.
	Pattern string
	Matches bool
}

// wirePrunePolicy is one as Quay writes it: the value is a number or a text, and what was not given is null.
type wirePrunePolicy struct {
	Method  string          `json:"method"`
	Value   json.RawMessage `json:"value"`
	Pattern string          `json:"tagPattern"`
	Matches *bool           `json:"tagPatternMatches"`
}

func (w wirePrunePolicy) policy() PrunePolicy {
	return PrunePolicy{Method: w.Method, Value: strings.Trim(string(w.Value), `"`), Pattern: w.Pattern, Matches: w.Matches == nil || *w.Matches}
}

// Takes reports whether the policy may take one of tags, sooner or later, where nothing makes it immutable. Quay has its database read the
// pattern: one that Go cannot read may take any.
func (p PrunePolicy) Takes(tags ...string) bool {
	part, err := regexp.Compile(p.Pattern)
	for _, tag := range tags {
		if p.Pattern == "" || err != nil || part.MatchString(tag) == p.Matches {
			return true
		}
	}
	return false
}

// String says what the policy does, such as: leaves the newest 10 tags that match "^v".
func (p PrunePolicy) String() string {
	which := ""
	switch {
	case p.Pattern != "" && p.Matches:
		which = fmt.Sprintf(" that match %q", p.Pattern)
	case p.Pattern != "":
		which = fmt.Sprintf(" that do not match %q", p.Pattern)
	}
	switch p.Method {
	case "number_of_tags":
		return fmt.Sprintf("leaves the newest %s tags%s", p.Value, which)
	case "creation_date":
		return fmt.Sprintf("takes tags%s after %s", which, p.Value)
	}
	return fmt.Sprintf("takes tags%s by %q %s", which, p.Method, p.Value)
}

// PrunePolicies lists those of organization; none where Quay's auto-prune is off. The OAuth token needs org:admin.
func (c *Client) PrunePolicies(ctx context.Context, organization string) ([]PrunePolicy, error) {
	found, err := c.prunePolicies(func(r call) error {
		r.path = []string{"organization", organization, "autoprunepolicy"}
		return c.do(ctx, r)
	})
	if err != nil {
		return nil, fmt.Errorf("listing auto-prune policies of organization %q: %w", organization, err)
	}
	return found, nil
}

// RepositoryPrunePolicies lists those of "organization/name" alone; none where Quay's auto-prune is off. The OAuth token needs repo:admin.
func (c *Client) RepositoryPrunePolicies(ctx context.Context, repository string) ([]PrunePolicy, error) {
	found, err := c.prunePolicies(func(r call) error { return c.repositoryCall(ctx, r, repository, "autoprunepolicy") })
	if err != nil {
		return nil, fmt.Errorf("listing auto-prune policies of repository %q: %w", repository, err)
	}
	return found, nil
}

func (c *Client) prunePolicies(do func(call) error) ([]PrunePolicy, error) {
	var answer struct {
		Policies []wirePrunePolicy `json:"policies"`
	}
	if err := do(call{method: http.MethodGet, slash: true, out: &answer}); err != nil && !hasNoRoute(err) {
		return nil, err
	}
	found := []PrunePolicy{}
	for _, w := range answer.Policies {
		found = append(found, w.policy())
	}
	return found, nil
}

// DefaultPrunePolicy is the policy of every organization, as Quay shows it in its settings; nil if there is none.
func (c Config) DefaultPrunePolicy() *PrunePolicy {
	var w wirePrunePolicy
	text, err := json.Marshal(c.Settings["DEFAULT_NAMESPACE_AUTOPRUNE_POLICY"])
	if err != nil || json.Unmarshal(text, &w) != nil || w.Method == "" {
		return nil
	}
	p := w.policy()
	return &p
}
