package gitops

import (
	"net/url"
	"regexp"
)

// repositoryPattern is a URL that every parser reads alike: the host is what stands between the scheme and the first slash.
// A policy that compares the beginning of the URL with https://HOST/ so decides where the credential goes.
var repositoryPattern = regexp.MustCompile(`^(https?)://([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::([1-9][0-9]{0,4}))?/(?:[A-Za-z0-9._~+/-]|%20)+$`)

// checkRepository refuses what is not https://HOST[:PORT]/PATH.
func (o *Options) checkRepository(c *change) error {
	if o.Repository == "" {
		return usageError("--repository is missing")
	}
	parts := repositoryPattern.FindStringSubmatch(o.Repository)
	if parts == nil {
		// Neither is quoted: it may hold a password.
		if u, err := url.Parse(o.Repository); err == nil && u.User != nil && (u.Scheme == "https" || u.Scheme == "http") {
			return usageError("--repository has a user or a password in it; give --credential instead")
		}
		return usageError("--repository is not https://HOST/PATH, with a host in lower case and no query")
	}
	scheme, host, port := parts[1], parts[2], parts[3]
	if port == map[string]string{"http": "80", "https": "443"}[scheme] {
		return usageError("--repository %q names the port that %s has anyway; leave it out", o.Repository, scheme)
	}
	if scheme == "http" && !o.PlainHTTP {
		return usageError("--repository %q has no TLS; give --plain-http to send the credential all the same", o.Repository)
	}
	c.origin = scheme + "://" + host
	if port != "" {
		c.origin += ":" + port
	}
	return nil
}
