// Package quay is a client of Quay's management API (/api/v1) and of its token service, as far as the credential of a
// tenant needs them: robots, permissions, default permissions, teams, repositories, the log, and what a robot may do.
package quay
