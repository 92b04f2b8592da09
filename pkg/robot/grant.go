package robot

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/comptech-lab/quay-push/pkg/quay"
)

// permissionTask gives robot Write on every one of repositories that it has less on, and looks at the effective
// permission: a grant counts only when Quay says so.
func (s Services) permissionTask(robot func() string, repositories func() []string) task {
	lacking := func(ctx context.Context) ([]string, error) {
		lacking := []string{}
		for _, repository := range repositories() {
			role, err := s.Quay.EffectivePermission(ctx, repository, robot())
			if err != nil {
				return nil, err
			}
			if !role.Includes(quay.Write) {
				lacking = append(lacking, repository)
			}
		}
		return lacking, nil
	}
	return task{id: "permission", title: "give the robot Write on the team's repositories", reason: ReasonNoRight,
		next: "see in Quay whether a policy takes the permission away",
		check: func(ctx context.Context) (bool, string, error) {
			missing, err := lacking(ctx)
			if err != nil || len(missing) > 0 {
				return false, fmt.Sprintf("%q lacks Write on %s", robot(), strings.Join(missing, ", ")), err
			}
			return true, fmt.Sprintf("effective Write on %d repositories", len(repositories())), nil
		},
		do: func(ctx context.Context) error {
			missing, err := lacking(ctx)
			for _, repository := range missing {
				if err := s.Quay.SetPermission(ctx, repository, robot(), quay.Write); err != nil {
					return err
				}
			}
			return err
		}}
}

// defaultPermissionTask gives robot Write on every repository that is made in the organization later.
func (s Services) defaultPermissionTask(organization string, robot func() string) task {
	find := func(ctx context.Context) (*quay.Prototype, error) {
		all, err := s.Quay.Prototypes(ctx, organization)
		return forEverybody(slices.DeleteFunc(all, func(p quay.Prototype) bool { return p.Delegate != robot() })), err
	}
	return task{id: "default-permission", title: "give the robot Write on repositories made later", reason: ReasonNoRight,
		next: "see the default permissions of the organization in Quay",
		check: func(ctx context.Context) (bool, string, error) {
			found, err := find(ctx)
			ok, detail := givesWrite(found)
			return ok, detail, err
		},
		do: func(ctx context.Context) error {
			found, err := find(ctx)
			if err != nil {
				return err
			}
			if found != nil {
				return s.Quay.SetPrototypeRole(ctx, organization, found.ID, quay.Write)
			}
			_, err = s.Quay.CreatePrototype(ctx, organization, robot(), quay.Write)
			return err
		}}
}

// forEverybody is the one of a robot's default permissions that is not about one user's repositories alone; nil if there is none.
func forEverybody(defaults []quay.Prototype) *quay.Prototype {
	if i := slices.IndexFunc(defaults, func(p quay.Prototype) bool { return p.ActivatingUser == "" }); i >= 0 {
		return &defaults[i]
	}
	return nil
}

// givesWrite reports whether the default permission is there and gives Write, and says what it gives.
func givesWrite(p *quay.Prototype) (bool, string) {
	switch {
	case p == nil:
		return false, "there is no default permission for the robot"
	case p.Role != quay.Write:
		return false, fmt.Sprintf("the default permission is %q", p.Role)
	}
	return true, "the default permission is Write"
}

// rightTask proves with the robot's own token that it may push where it should and nowhere else.
func (s Services) rightTask(c func() credential, repositories, foreign func() []string) task {
	return task{id: "right", title: "prove the right to push with a token of the robot", reason: ReasonNoRight,
		next: "look whether the repository is read-only or a mirror, or whether the robot is in a team of another organization",
		check: func(ctx context.Context) (bool, string, error) {
			now := c()
			if now.token.IsZero() {
				return false, "there is no token yet", nil
			}
			rights, err := s.Quay.Rights(ctx, now.username, now.token, append(repositories(), foreign()...)...)
			if err != nil {
				return false, "", err
			}
			for _, repository := range repositories() {
				if !rights.Push(repository) {
					return false, fmt.Sprintf("%q may not push to %q: its token has %q", now.username, repository, rights[repository]), nil
				}
			}
			for _, repository := range foreign() {
				if rights.Push(repository) {
					return false, "", &Error{Reason: ReasonRefused,
						Problem: fmt.Sprintf("robot %q may push to %q, which is another team's", now.username, repository),
						Next:    "take it out of that organization's teams, then run this again"}
				}
			}
			return true, fmt.Sprintf("may push to %d repositories of its own and to none of %d others", len(repositories()), len(foreign())), nil
		}}
}
