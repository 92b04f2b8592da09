// Package robot is the life of a tenant's push credential: made (Bootstrap) or taken over (Adopt), replaced without an outage (Rotate), checked
// from Quay to the Secret (Verify), burnt when it leaked (Leak). It knows Quay, Vault and the cluster only as small
// interfaces; a program gives it the real ones. Every operation can be run again, and after a crash goes on where it was.
package robot
