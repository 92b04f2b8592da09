package config

import (
	"fmt"
	"regexp"
	"strings"
)

var gitHostPattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[1-9][0-9]{0,4})?$`)

// checkGitHost refuses what no repository URL that update-overlay takes can have after https://.
func checkGitHost(host string) error {
	if !gitHostPattern.MatchString(host) {
		return fmt.Errorf("%q is not a host or host:port, in lower case", host)
	}
	if strings.HasSuffix(host, ":443") {
		return fmt.Errorf("%q names the port that https has anyway; leave it out", host)
	}
	return nil
}
