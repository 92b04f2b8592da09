// Package vault reads and writes the KV v2 secrets in Vault that hold the credentials of tenants. It is a thin layer on
// Vault's own client: typed errors, no secret in anything that is printed, check-and-set on every write, no redirect followed.
package vault
