package gitops

import (
	"net/url"
	"regexp"
	"strings"
)

// repositoryPattern is a URL that every parser reads alike: the host is what stands between the scheme and the first slash.
// A policy that compares the beginning of the URL with https://HOST/ so decides where the credential goes.
var repositoryPattern = regexp.MustCompile(`^(https?)://([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::([1-9][0-9]{0,4}))?/(?:[A-Za-z0-9._~+/-]|%20)+$`)

// checkRepository refuses what is not https://HOST[:PORT]/PATH.
func (o *Options) checkRepository(c *change) error {
	if o.Repository == "" {
		return usageError("give the URL that git clone takes", "--repository is missing")
	}
	// With it the paths of requests would have two slashes, which servers do not know.
	o.Repository = strings.TrimRight(o.Repository, "/")
	parts := repositoryPattern.FindStringSubmatch(o.Repository)
	if parts == nil {
		// Neither is quoted: it may hold a password.
		if u, err := url.Parse(o.Repository); err == nil && u.User != nil && (u.Scheme == "https" || u.Scheme == "http") {
			return usageError("take it out, and give --credential", "--repository has a user or a password in it")
		}
		return usageError("give a URL such as https://gitlab.example.com/payments/gitops.git", "--repository is not https://HOST/PATH, with a host in lower case and no query")
	}
	scheme, host, port := parts[1], parts[2], parts[3]
	if port == map[string]string{"http": "80", "https": "443"}[scheme] {
		return usageError("leave the port out", "--repository %q names the port that %s has anyway", o.Repository, scheme)
	}
	if scheme == "http" && !o.PlainHTTP {
		return usageError("give an https URL, or --plain-http to send the credential all the same", "--repository %q has no TLS", o.Repository)
	}
	c.origin = scheme + "://" + host
	if port != "" {
		c.origin += ":" + port
	}
	return nil
}
