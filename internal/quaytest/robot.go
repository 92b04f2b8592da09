package quaytest

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"time"
)

// tokenPattern is the form of every robot token (quay/quay:data/model/user.py).
var tokenPattern = regexp.MustCompile(`^[A-Z0-9]{64}$`)

// robot is an account of an organization; its full name is org+short.
type robot struct {
	token       string
	description string
	metadata    map[string]any
	created     time.Time
	// serial is its place among the robots, the oldest first.
	serial int
	// accessed is the last login; zero means none.
	accessed time.Time
	// federation are the issuers that it trusts.
	federation []Federation
}

// AddRobot makes the robot org+short and returns its token: 64 characters A-Z
// and 0-9. It panics if the organization does not exist or the name is taken
// or not one Quay accepts.
func (q *Quay) AddRobot(org, short string) (token string) {
	token = newToken()
	q.must(q.addRobot(org, short, token))
	return token
}

func (q *Quay) addRobot(org, short, token string) error {
	name := org + "+" + short
	if nameProblem("Namespace", short) != "" {
		return fmt.Errorf("adding robot %q: not a name that Quay accepts", name)
	}
	if !tokenPattern.MatchString(token) {
		return fmt.Errorf("adding robot %q: its token is not 64 characters A-Z and 0-9", name)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.organizations[org] == nil {
		return fmt.Errorf("adding robot %q: organization %q does not exist", name, org)
	}
	if q.robots[name] != nil {
		return fmt.Errorf("adding robot %q: Existing robot with name: %s", name, name)
	}
	q.makeRobot(name, token)
	return nil
}

// makeRobot makes the robot name, which is good and free; the caller holds mu.
func (q *Quay) makeRobot(name, token string) *robot {
	q.made++
	q.robots[name] = &robot{token: token, metadata: map[string]any{}, created: q.now(), serial: q.made}
	return q.robots[name]
}

// RegenerateRobot replaces the token of robot, given by its full name, and
// returns the new one. The old one is refused from then on; bearer tokens that
// it bought stay good until they expire. It panics if there is no such robot.
func (q *Quay) RegenerateRobot(robot string) string {
	q.mu.Lock()
	defer q.mu.Unlock()
	r := q.robots[robot]
	if r == nil {
		q.must(fmt.Errorf("regenerating %q: Could not find robot with specified username", robot))
	}
	r.token = newToken()
	return r.token
}

// RobotToken returns the token of robot, given by its full name; empty if there
// is no such robot.
func (q *Quay) RobotToken(robot string) string {
	q.mu.Lock()
	defer q.mu.Unlock()
	if r := q.robots[robot]; r != nil {
		return r.token
	}
	return ""
}

// DeleteRobot removes robot, given by its full name, with all its rights. It
// panics if there is no such robot.
func (q *Quay) DeleteRobot(robot string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.robots[robot] == nil {
		q.must(fmt.Errorf("deleting %q: Could not find robot with specified username", robot))
	}
	q.deleteRobot(robot)
}

// deleteRobot removes a robot that exists with all its rights; the caller holds mu.
func (q *Quay) deleteRobot(robot string) {
	delete(q.robots, robot)
	q.forget(robot)
	for _, o := range q.organizations {
		if o.mirror != nil && o.mirror.robot == robot {
			o.mirror = nil
		}
		o.prototypes = slices.DeleteFunc(o.prototypes, func(p *prototype) bool {
			return p.delegate == robot || p.activating == robot
		})
		for _, t := range o.teams {
			delete(t.members, robot)
		}
	}
	for _, r := range q.repositories {
		delete(r.roles, robot)
	}
}

// Dockerconfig returns the content of a kubernetes.io/dockerconfigjson Secret
// for robot, given by its full name, with the host as its only key. It panics
// if there is no such robot.
func (q *Quay) Dockerconfig(robot string) []byte {
	q.mu.Lock()
	defer q.mu.Unlock()
	r := q.robots[robot]
	if r == nil {
		q.must(fmt.Errorf("writing dockerconfig of %q: there is no such robot", robot))
	}
	data, err := json.Marshal(map[string]any{"auths": map[string]any{q.host: map[string]string{
		"username": robot,
		"password": r.token,
		"auth":     base64.StdEncoding.EncodeToString([]byte(robot + ":" + r.token)),
	}}})
	q.must(err)
	return data
}

// newToken returns 64 random characters of A-Z and 2-7, all within Quay's alphabet.
func newToken() string {
	return (rand.Text() + rand.Text() + rand.Text())[:64]
}
