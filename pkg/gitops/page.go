package gitops

import "regexp"

// markup is in a page of HTML, which is what a firewall, a gateway or a web server says; Git hosts answer Git in plain words.
var markup = regexp.MustCompile(`(?i)<(!doctype|html|head|body)\b`)
