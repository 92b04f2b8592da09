package federation

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/shown"
)

// lifetime is how long a token is good for that does not say (quay/quay data/model/user.py, TMP_ROBOT_TOKEN_VALIDITY_LIFETIME_S); one that
// says more than longest is not believed.
const (
	lifetime = time.Hour
	longest  = 24 * time.Hour
)

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// token is the robot's, and how long it is good for, if the answer has one.
func (a answer) token(asked time.Time) (secret.Value, time.Time, bool) {
	var reply struct {
		Token any `json:"token"`
	}
	if a.status != http.StatusOK || json.Unmarshal(a.body, &reply) != nil {
		return secret.Value{}, time.Time{}, false
	}
	text, _ := reply.Token.(string)
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return secret.Value{}, time.Time{}, false
	}
	token, lasts := secret.New(text), lifetime
	// The difference counts, not the times: Quay's clock may be another.
	if c, problem := readClaims(token); problem == "" && !c.issuedAt.IsZero() && c.expiry.After(c.issuedAt) {
		lasts = min(c.expiry.Sub(c.issuedAt), longest)
	}
	return token, asked.Add(lasts), true
}

// said are the words of one of Quay's two envelopes; own is false for any other body.
func (a answer) said() (words string, own bool) {
	var envelope struct {
		Message any `json:"message"`
		Error   any `json:"error"`
	}
	if json.Unmarshal(a.body, &envelope) != nil {
		return "", false
	}
	words = cmp.Or(asText(envelope.Message), asText(envelope.Error))
	return words, words != ""
}

// proof is the request and its answer in one line, without the token.
func (x *exchange) proof(a answer) string {
	text := fmt.Sprintf("GET %s: %d %s", path, a.status, http.StatusText(a.status))
	words, own := a.said()
	switch {
	case own:
		return text + fmt.Sprintf(" %q", shown.Short(shown.Plain(x.hide(words))))
	case a.status < 300 && !page(a.body):
		// It may have a robot's token in it.
		words = ""
	default:
		words = x.hide(shown.Page(string(a.body)))
	}
	if words != "" {
		text += fmt.Sprintf(" %q", shown.Cut(words, 200))
	}
	return text + fmt.Sprintf(" (server %q, type %q)", x.header(a, "Server"), x.header(a, "Content-Type"))
}

func (x *exchange) header(a answer, name string) string {
	return shown.Cut(shown.Plain(x.hide(a.header.Get(name))), 60)
}

// page reports whether body is one of HTML.
func page(body []byte) bool { return strings.HasPrefix(strings.TrimSpace(string(body)), "<") }

// secretLike is what may be a token in the words of a server, such as a part of the one that was sent.
var secretLike = regexp.MustCompile(`[\w+=-]{40,}`)

// hide takes the token, and what may be one, out of what a server says.
func (x *exchange) hide(text string) string {
	text = x.token.Basic(x.robot).Redact(text)
	for _, part := range strings.Split(x.token.Reveal(), ".") {
		text = secret.New(part).Redact(text)
	}
	return secretLike.ReplaceAllString(text, "…")
}
