package robot

import (
	"context"
	"fmt"
	"time"
)

// inPlace replaces the token of the robot in use: regenerate, Vault, Secret. From the first to the last every push of the
// team fails, and nothing can be done about it: Quay keeps one token per robot. It ends the token, and from Quay v3.13 on not what the
// token bought: see retirement.
func (r *rotation) inPlace(ctx context.Context, current stored, work func(context.Context, []task) ([]Step, error)) (RotateResult, error) {
	var began, ended time.Time
	r.to = credential{username: current.username}
	robot, err := r.Quay.Robot(ctx, current.username)
	if err != nil {
		return RotateResult{}, err
	}
	if a := named(r.robots, current.username); a == nil || len(a.defaults) == 0 {
		return RotateResult{}, &Error{Reason: ReasonConflict, Problem: fmt.Sprintf("robot %q, which Vault has, lost its rights", current.username),
			Next: "rotate to another robot, and not in place"}
	}
	carried, _, err := r.inSecret(ctx, r.Tenant, current.credential)
	if err != nil {
		return RotateResult{}, err
	}
	// An earlier run was broken off in its outage if Vault lags behind Quay, or the Secret behind Vault.
	if !robot.Token.Equal(current.token) || !carried {
		r.to.token, began = robot.Token, current.Created
	}
	regenerate := func(ctx context.Context) error {
		began = r.now()
		return r.regenerate(ctx)
	}
	handedOver := r.secretTask("secret", "have the Secret take it over", func() credential { return r.to })
	handOver := handedOver.do
	handedOver.do = func(ctx context.Context) error {
		err := handOver(ctx)
		ended = r.now()
		return err
	}
	result := RotateResult{Robot: current.username, Resumed: !r.to.token.IsZero()}
	result.Steps, err = work(ctx, []task{
		{id: "regenerate", title: "give the robot a new token; pushes fail from here", check: r.checkToken, do: regenerate},
		{id: "vault", title: "put it into Vault", reason: ReasonConflict, next: nextConflict, check: r.checkVault,
			do: func(ctx context.Context) error { return r.write(ctx, r.Tenant, r.to, r.version) }},
		handedOver,
		r.destroyTask(),
	})
	if !began.IsZero() && ended.After(began) && !result.Resumed {
		result.Outage = ended.Sub(began)
	}
	return result, err
}
