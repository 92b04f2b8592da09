package robot

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/reference"
)

// AnchorQuay is what it takes of Quay to look at what becomes of anchors; *quay.Client is one.
type AnchorQuay interface {
	ImmutabilityPolicies(ctx context.Context, organization string) ([]quay.ImmutabilityPolicy, error)
	PrunePolicies(ctx context.Context, organization string) ([]quay.PrunePolicy, error)
	RepositoryPrunePolicies(ctx context.Context, repository string) ([]quay.PrunePolicy, error)
	MirrorRobot(ctx context.Context, organization string) (string, error)
}

// anchorPolicy is the policy that keeps every anchor of an organization.
var anchorPolicy = quay.ImmutabilityPolicy{Pattern: reference.AnchorPattern, Matches: true}

// someAnchors stand for all of them where a pattern is tried: each hex digit comes at many places.
var someAnchors = func() (tags []string) {
	for i := range 64 {
		tags = append(tags, reference.Anchor(fmt.Sprintf("sha256:%x", sha256.Sum256([]byte{byte(i)}))))
	}
	return tags
}()

// Anchors is what becomes of the anchors of an organization.
type Anchors struct {
	// Kept reports whether an immutability policy keeps them. If not, Problem says why, and Next what to do.
	Kept          bool
	Problem, Next string
	// Takers are the auto-prune policies that take some of them, as sentences.
	Takers []string
}

// LookAtAnchors looks whether organization keeps its anchors, and if not, which auto-prune policy takes them: that of Quay's settings, its
// own, and those of repositories, "organization/name" each. It changes nothing. The OAuth token needs org:admin, and repo:admin.
func LookAtAnchors(ctx context.Context, q AnchorQuay, settings quay.Config, organization string, repositories []string) (Anchors, error) {
	takers := func(why *warned) (Anchors, error) { return takers(ctx, q, settings, organization, repositories, why) }
	if on, told := settings.Features["IMMUTABLE_TAGS"]; told && !on {
		return takers(noImmutability())
	}
	policies, err := q.ImmutabilityPolicies(ctx, organization)
	switch {
	case errors.Is(err, quay.ErrNoImmutability):
		return takers(noImmutability())
	case err != nil:
		return Anchors{}, err
	case slices.ContainsFunc(policies, keepsAnchors):
		return Anchors{Kept: true}, nil
	}
	mirroring, err := q.MirrorRobot(ctx, organization)
	switch {
	case err != nil:
		return Anchors{}, err
	case mirroring != "":
		return takers(ofMirror())
	case slices.ContainsFunc(policies, inverted):
		return takers(isInverted())
	}
	return takers(&warned{"the organization has no immutability policy for anchors: whoever may push can delete or move one, and quay.expires-after ends it",
		"run bootstrap, which sets it"})
}

func keepsAnchors(p quay.ImmutabilityPolicy) bool { return p.Keeps(someAnchors...) }

// inverted reports whether the policy is in the way of ours: Quay takes a pattern once, whichever way it matches.
func inverted(p quay.ImmutabilityPolicy) bool { return p.Pattern == anchorPolicy.Pattern && !p.Matches }

func noImmutability() *warned {
	return &warned{"anchors are not kept: " + quay.ErrNoImmutability.Error(),
		"have Quay 3.17 or newer, with FEATURE_IMMUTABLE_TAGS on, then run bootstrap; until then no auto-prune policy may take " + reference.AnchorPattern}
}

func ofMirror() *warned {
	return &warned{"anchors are not kept: the organization is the mirror of another registry's, and takes no immutability policy",
		"push to an organization that is none"}
}

func isInverted() *warned {
	return &warned{"the organization's immutability policy with the pattern of anchors is for all tags but those", "delete it in Quay, then run bootstrap"}
}

// takers looks which auto-prune policies take anchors that nothing keeps.
func takers(ctx context.Context, q AnchorQuay, settings quay.Config, organization string, repositories []string, why *warned) (Anchors, error) {
	found := Anchors{Problem: why.problem, Next: why.next}
	if !settings.Features["AUTO_PRUNE"] {
		return found, nil
	}
	add := func(of string, policies ...quay.PrunePolicy) {
		for _, p := range policies {
			if p.Takes(someAnchors...) {
				found.Takers = append(found.Takers, fmt.Sprintf("the auto-prune policy of %s %s, anchors too", of, p))
			}
		}
	}
	if p := settings.DefaultPrunePolicy(); p != nil {
		add("all organizations", *p)
	}
	policies, err := q.PrunePolicies(ctx, organization)
	add("the organization", policies...)
	for _, repository := range repositories {
		if err != nil {
			break
		}
		policies, err = q.RepositoryPrunePolicies(ctx, repository)
		add(fmt.Sprintf("repository %q", repository), policies...)
	}
	return found, err
}

// NextOfTakers is the next step where an auto-prune policy takes anchors.
const NextOfTakers = "have Quay keep anchors, or give that policy the tagPattern ^" + reference.AnchorPattern + "$ with tagPatternMatches false"

// anchorTask has the organization keep its anchors, where Quay can; where it cannot, that is told, and nothing fails.
func (s Services) anchorTask(organization string) task {
	return task{id: "anchors", title: "have the organization keep the anchors of what is pushed", reason: ReasonConflict,
		next: "see the immutability policies of the organization in Quay",
		check: func(ctx context.Context) (bool, string, error) {
			policies, err := s.Quay.ImmutabilityPolicies(ctx, organization)
			switch {
			case errors.Is(err, quay.ErrNoImmutability):
				return false, "", noImmutability()
			case err != nil:
				return false, "", err
			}
			if i := slices.IndexFunc(policies, keepsAnchors); i >= 0 {
				return true, fmt.Sprintf("its immutability policy %q does", policies[i].Pattern), nil
			}
			if slices.ContainsFunc(policies, inverted) {
				return false, "", isInverted()
			}
			return false, fmt.Sprintf("it has no immutability policy for %q", anchorPolicy.Pattern), nil
		},
		do: func(ctx context.Context) error {
			err := s.Quay.CreateImmutabilityPolicy(ctx, organization, anchorPolicy)
			switch {
			case quay.IsMirrored(err):
				return ofMirror()
			case quay.IsExists(err):
				return nil // Somebody else made it meanwhile.
			}
			return err
		}}
}

// lookAtAnchors warns of what would take an anchor, and with it a digest that an overlay pins. It makes nothing wrong: the
// credential is as it should be.
func (v *verification) lookAtAnchors(ctx context.Context, repositories []string) error {
	settings, err := v.quayConfig(ctx)
	if err != nil {
		return err
	}
	found, err := LookAtAnchors(ctx, v.Quay, settings, v.Organization, repositories)
	switch {
	case quay.IsForbidden(err), quay.IsNotFound(err):
		return nil // There is no organization, which is told elsewhere.
	case err != nil || found.Kept:
		return err
	}
	v.report.Warnings = append(v.report.Warnings, found.Problem+"; "+found.Next)
	for _, taker := range found.Takers {
		v.report.Warnings = append(v.report.Warnings, taker+": the digests that overlays pin go with them; "+NextOfTakers)
	}
	return nil
}

// quayConfig is what Quay tells of itself, asked once where many teams are looked at.
func (s Services) quayConfig(ctx context.Context) (quay.Config, error) {
	if s.settings != nil {
		return *s.settings, nil
	}
	return s.Quay.Config(ctx)
}
