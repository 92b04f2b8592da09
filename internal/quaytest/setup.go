package quaytest

import "fmt"

// Setup is what a Quay starts with, as a program reads it from a file.
type Setup struct {
	Organizations []OrganizationSetup `json:"organizations"`
	// OAuthTokens are the tokens of the management API.
	OAuthTokens []OAuthTokenSetup `json:"oauthTokens,omitempty"`
	// AnonymousAccess and BearerLogin are settings that are on unless they say
	// false; see SetAnonymousAccess and SetBearerLogin.
	AnonymousAccess *bool `json:"anonymousAccess,omitempty"`
	BearerLogin     *bool `json:"bearerLogin,omitempty"`
}

// OAuthTokenSetup is one token of an OAuth application.
type OAuthTokenSetup struct {
	// Token is 40 characters A-Z and 0-9.
	Token string `json:"token"`
	// Scopes are what it may do, such as org:admin.
	Scopes []Scope `json:"scopes"`
	// User is whom it acts for; empty means platform. Tokens of one user name the same organizations.
	User string `json:"user,omitempty"`
	// Organizations are the ones that its user owns; empty means all.
	Organizations []string `json:"organizations,omitempty"`
}

// OrganizationSetup is one organization.
type OrganizationSetup struct {
	// Name is the organization's name, such as team-payments.
	Name string `json:"name"`
	// ImmutableTags keeps every tag where it is.
	ImmutableTags bool `json:"immutableTags,omitempty"`
	// Quota is a limit in bytes; 0 means none.
	Quota        int64             `json:"quota,omitempty"`
	Robots       []RobotSetup      `json:"robots,omitempty"`
	Repositories []RepositorySetup `json:"repositories,omitempty"`
}

// RobotSetup is one robot of an organization.
type RobotSetup struct {
	// Name is the short name, such as ci.
	Name string `json:"name"`
	// Token is 64 characters A-Z and 0-9; empty means a random one.
	Token string `json:"token,omitempty"`
	// TokenFile is a file that holds the token, in place of Token.
	TokenFile string `json:"tokenFile,omitempty"`
	// Creator lets the robot make repositories by pushing.
	Creator bool `json:"creator,omitempty"`
	// DefaultPermission is the role on repositories made later; empty means none.
	DefaultPermission Role `json:"defaultPermission,omitempty"`
	// Federation are the issuers that the robot trusts; see SetFederation.
	Federation []Federation `json:"federation,omitempty"`
}

// RepositorySetup is one repository of an organization.
type RepositorySetup struct {
	// Name is the name without the organization.
	Name string `json:"name"`
	// Permissions are roles by full robot name.
	Permissions map[string]Role `json:"permissions,omitempty"`
}

// Apply adds setup to q. TokenFile has to be resolved into Token by then.
// The error says which part Quay would refuse; parts before it are in place.
// It never has a token.
func (q *Quay) Apply(setup Setup) error {
	for _, o := range setup.Organizations {
		if err := q.applyOrganization(o); err != nil {
			return err
		}
	}
	for _, t := range setup.OAuthTokens {
		if err := q.addOAuthToken(t); err != nil {
			return err
		}
	}
	q.SetAnonymousAccess(setup.AnonymousAccess == nil || *setup.AnonymousAccess)
	q.SetBearerLogin(setup.BearerLogin == nil || *setup.BearerLogin)
	return nil
}

func (q *Quay) applyOrganization(o OrganizationSetup) error {
	if err := q.addOrganization(o.Name); err != nil {
		return err
	}
	if err := q.editOrganization(o.Name, func(org *organization) {
		org.quota = o.Quota
	}); err != nil {
		return err
	}
	if o.ImmutableTags {
		q.SetImmutable(o.Name, true)
	}
	// Repositories come first: default permissions count only for later ones.
	for _, r := range o.Repositories {
		if err := q.addRepository(o.Name, r.Name); err != nil {
			return err
		}
	}
	for _, r := range o.Robots {
		if err := q.applyRobot(o.Name, r); err != nil {
			return err
		}
	}
	for _, r := range o.Repositories {
		for robot, role := range r.Permissions {
			if err := q.grant(o.Name+"/"+r.Name, robot, role); err != nil {
				return err
			}
		}
	}
	return nil
}

func (q *Quay) applyRobot(org string, r RobotSetup) error {
	name := org + "+" + r.Name
	if r.TokenFile != "" {
		return fmt.Errorf("adding robot %q: its token file was not read", name)
	}
	if r.Token == "" {
		r.Token = newToken()
	}
	if err := q.addRobot(org, r.Name, r.Token); err != nil {
		return err
	}
	q.SetFederation(name, r.Federation...)
	if r.Creator {
		if err := q.setCreator(org, name); err != nil {
			return err
		}
	}
	if r.DefaultPermission != "" {
		return q.setDefaultPermission(org, name, r.DefaultPermission)
	}
	return nil
}
