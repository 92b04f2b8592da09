package push

import (
	"net/http"
	"strings"
)

// challenge is the part of a WWW-Authenticate header that says where a token is to be had.
type challenge struct {
	realm, service string
}

// parseChallenge finds the Bearer challenge among the WWW-Authenticate headers (RFC 9110 section 11.6.1).
func parseChallenge(header http.Header) (challenge, bool) {
	for _, value := range header.Values("WWW-Authenticate") {
		scheme, rest, _ := strings.Cut(strings.TrimSpace(value), " ")
		if !strings.EqualFold(scheme, "Bearer") {
			continue
		}
		params := parseParams(rest)
		if params["realm"] != "" {
			return challenge{realm: params["realm"], service: params["service"]}, true
		}
	}
	return challenge{}, false
}

// parseParams reads name=value and name="value", separated by commas. It stops at what it does not understand, and the
// first of two values for one name counts.
func parseParams(text string) map[string]string {
	params := map[string]string{}
	for {
		text = strings.TrimLeft(text, " \t,")
		name, rest, ok := strings.Cut(text, "=")
		if !ok {
			return params
		}
		value, rest, ok := parseValue(strings.TrimLeft(rest, " \t"))
		if !ok {
			return params
		}
		name = strings.ToLower(strings.TrimSpace(name))
		if _, twice := params[name]; !twice {
			params[name] = value
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
