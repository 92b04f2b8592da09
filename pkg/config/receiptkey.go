package config

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// Receipts is where the key is that signs receipts.
type Receipts struct {
	// Secret is a Secret's name in Namespace; it has the private key in PEM.
	Secret string
	// Mount and Key are of the transit engine of the Vault at Address, where the controller logs in as Role by the Kubernetes method at Login.
	Mount, Key, Address, Login, Role string
}

var (
	secretPattern  = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,251}[a-z0-9])?$`)
	transitPattern = regexp.MustCompile(`^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)+$`)
)

// Receipts returns where the key is; ok is false where no receipts are written.
func (c *Config) Receipts() (r Receipts, ok bool) {
	kind, where, _ := strings.Cut(c.ReceiptKey, ":")
	switch kind {
	case "secret":
		return Receipts{Secret: where}, true
	case "vault":
		r.Mount, r.Key = cutLast(where)
		r.Login, r.Role = cutLast(c.ReceiptVaultLogin)
		r.Address = c.ReceiptVault
		return r, true
	}
	return r, false
}

// cutLast parts path at its last slash.
func cutLast(path string) (before, after string) {
	at := strings.LastIndexByte(path, '/')
	return path[:max(at, 0)], path[at+1:]
}

// checkReceipts refuses what is not secret:<name> or vault:<mount>/<key>, and a Vault of which the rest is missing.
func (c *Config) checkReceipts() error {
	kind, where, _ := strings.Cut(c.ReceiptKey, ":")
	switch {
	case c.ReceiptKey == "" || kind == "secret" && secretPattern.MatchString(where):
		return nil
	case kind != "vault" || !transitPattern.MatchString(where):
		return fmt.Errorf("receipt-key is %.200q, not secret:<name>, and not vault:<mount>/<key>", c.ReceiptKey)
	}
	if u, err := url.Parse(c.ReceiptVault); err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" {
		return fmt.Errorf("receipt-vault is %.200q, and not the https://host[:port] of the Vault that has the key", c.ReceiptVault)
	}
	if !transitPattern.MatchString(c.ReceiptVaultLogin) {
		return fmt.Errorf("receipt-vault-login is %.200q, and not the <mount>/<role> by which the controller logs in there", c.ReceiptVaultLogin)
	}
	return nil
}
