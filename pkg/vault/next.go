package vault

import "errors"

// Next is what a person does next after err, by what Vault answered; empty where that does not tell.
func Next(err error) string {
	switch {
	case errors.Is(err, ErrSealed):
		return "unseal Vault, or wait until it is unsealed, then run it again"
	case errors.Is(err, ErrBusy):
		return "wait a minute, then run it again: Vault limits the requests"
	case errors.Is(err, ErrTLS):
		return "let VAULT_ADDR, or --vault-addr, begin with https://"
	case errors.Is(err, ErrBlocked):
		return "see what answers in front of Vault, such as a proxy, a firewall or a login: it has to let this request through to Vault, at the address that VAULT_ADDR or --vault-addr gives; it is not about the rights of a token"
	case errors.Is(err, ErrRedirect):
		return "set VAULT_ADDR to the active node, or to the load balancer in front of Vault"
	}
	return ""
}
