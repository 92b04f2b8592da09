package registry

import (
	"net/http"
	"strings"
)

// challenge is the part of a WWW-Authenticate header that says where a token is to be had.
type challenge struct {
	realm, service string
}

// parseChallenge finds the Bearer challenge among the WWW-Authenticate headers, each of which may have several challenges
// (RFC 9110 section 11.6.1).
func parseChallenge(header http.Header) (challenge, bool) {
	for _, value := range header.Values("WWW-Authenticate") {
		for _, c := range parseChallenges(value) {
			if strings.EqualFold(c.scheme, "Bearer") && c.params["realm"] != "" {
				return challenge{realm: c.params["realm"], service: c.params["service"]}, true
			}
		}
	}
	return challenge{}, false
}

// authChallenge is one challenge of a WWW-Authenticate header.
type authChallenge struct {
	scheme string
	params map[string]string
}

// maxChallenges is how many challenges one header may have.
const maxChallenges = 20

// parseChallenges reads a list of challenges: a word alone is a scheme, name=value and name="value" are params of the last
// one. It stops at what it does not understand, and the first of two values for one name counts.
func parseChallenges(text string) (all []authChallenge) {
	for {
		text = strings.TrimLeft(text, " \t,")
		end := strings.IndexAny(text, " \t,=")
		if end < 0 {
			end = len(text)
		}
		word := text[:end]
		if word == "" {
			return all
		}
		rest, isParam := strings.CutPrefix(strings.TrimLeft(text[end:], " \t"), "=")
		if !isParam && len(all) == maxChallenges {
			return all
		} else if !isParam {
			all, text = append(all, authChallenge{word, map[string]string{}}), text[end:]
			continue
		}
		value, rest, ok := parseValue(strings.TrimLeft(rest, " \t"))
		if !ok || len(all) == 0 {
			return all
		}
		params := all[len(all)-1].params
		if _, twice := params[strings.ToLower(word)]; !twice {
			params[strings.ToLower(word)] = value
		}
		text = rest
	}
}

// parseValue reads a token or a quoted string; ok is false when the quotes do not close.
func parseValue(text string) (value, rest string, ok bool) {
	if !strings.HasPrefix(text, `"`) {
		end := strings.IndexAny(text, ", \t")
		if end < 0 {
			return text, "", true
		}
		return text[:end], text[end:], true
	}
	var unquoted strings.Builder
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '"':
			return unquoted.String(), text[i+1:], true
		case text[i] == '\\' && i+1 < len(text):
			i++
		}
		unquoted.WriteByte(text[i])
	}
	return "", "", false
}
