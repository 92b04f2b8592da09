package cli

import (
	"cmp"
	"net/url"
	"strings"
)

// checkAddress refuses an address that is none of HTTP before anything is asked. from is the flag or variable that has it.
func checkAddress(from, address string) error {
	parsed, err := url.Parse(address)
	if err == nil && (parsed.Scheme == "https" || parsed.Scheme == "http") && parsed.Hostname() != "" && parsed.User == nil {
		return nil
	}
	// What is before an @ may be a password.
	rest := address[max(0, strings.Index(address, "://")):]
	rest = strings.TrimPrefix(rest, "://")
	host := rest[strings.LastIndex(rest, "@")+1:]
	return usagef("write "+from+" with its scheme and without a user, such as https://"+cmp.Or(strings.Trim(host, "/"), "vault.example.com:8200"),
		"%s %q is not https://host or https://host:port", from, host)
}
