package quaytest

import (
	"crypto/rand"
	"encoding/hex"
)

// prototype is one default permission: what a repository starts with.
type prototype struct {
	id   string
	role Role
	// kind and delegate say who gets the role: a "user", which may be a robot, or a "team".
	kind, delegate string
	// activating is the user whose repositories it is for; empty means everybody's.
	activating string
}

// apply gives the role on r, which is new.
func (p *prototype) apply(r *repository) {
	if p.kind == "team" {
		r.teamRoles[p.delegate] = p.role
		return
	}
	r.roles[p.delegate] = p.role
}

// newID returns the identifier of an object in the form of a UUID.
func newID() string {
	b := make([]byte, 16)
	// It never fails.
	_, _ = rand.Read(b)
	text := hex.EncodeToString(b)
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}
