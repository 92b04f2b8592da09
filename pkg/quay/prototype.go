package quay

import (
	"context"
	"fmt"
	"net/http"
)

// Prototype is a default permission: a role on every repository that is made from then on. Existing ones stay as they
// are.
type Prototype struct {
	ID   string
	Role Role
	// Delegate is the user, robot or team that gets the role; Kind is user or team.
	Delegate, Kind string
	// ActivatingUser is the user on whose repositories alone it works; empty means everybody's.
	ActivatingUser string
}

// wirePrototype is a default permission as Quay writes it.
type wirePrototype struct {
	ID             string        `json:"id,omitempty"`
	Role           Role          `json:"role"`
	Delegate       wireDelegate  `json:"delegate"`
	ActivatingUser *wireDelegate `json:"activating_user,omitempty"`
}

type wireDelegate struct {
	Kind string `json:"kind,omitempty"`
	Name string `json:"name"`
}

func (w wirePrototype) prototype() Prototype {
	p := Prototype{ID: w.ID, Role: w.Role, Delegate: w.Delegate.Name, Kind: w.Delegate.Kind}
	if w.ActivatingUser != nil {
		p.ActivatingUser = w.ActivatingUser.Name
	}
	return p
}

// Prototypes lists the default permissions of organization.
func (c *Client) Prototypes(ctx context.Context, organization string) ([]Prototype, error) {
	var answer struct {
		Prototypes []wirePrototype `json:"prototypes"`
	}
	err := c.do(ctx, call{method: http.MethodGet, path: []string{"organization", organization, "prototypes"}, out: &answer})
	if err != nil {
		return nil, fmt.Errorf("listing default permissions of %q: %w", organization, err)
	}
	prototypes := []Prototype{}
	for _, p := range answer.Prototypes {
		prototypes = append(prototypes, p.prototype())
	}
	return prototypes, nil
}

// CreatePrototype gives robot the role on what is made in organization from now on. Quay makes a second one of the same
// if it is asked twice: list them first. So it is not sent again when the answer got lost.
func (c *Client) CreatePrototype(ctx context.Context, organization, robot string, role Role) (Prototype, error) {
	var answer wirePrototype
	err := c.do(ctx, call{method: http.MethodPost, path: []string{"organization", organization, "prototypes"}, out: &answer,
		in: wirePrototype{Role: role, Delegate: wireDelegate{Kind: "user", Name: robot}}})
	if err != nil {
		return Prototype{}, fmt.Errorf("creating default permission of %q in %q: %w", robot, organization, err)
	}
	return answer.prototype(), nil
}

// SetPrototypeRole changes the role of a default permission.
func (c *Client) SetPrototypeRole(ctx context.Context, organization, id string, role Role) error {
	err := c.do(ctx, call{method: http.MethodPut, path: []string{"organization", organization, "prototypes", id}, in: roleAnswer{role}})
	if err != nil {
		return fmt.Errorf("changing default permission %q in %q: %w", id, organization, err)
	}
	return nil
}
