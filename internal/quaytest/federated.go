package quaytest

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// checkFederated checks that token lets in robot, and logs that it did (quay/quay:util/security/federated_robot_auth.py). What Quay
// expects of a token has a message; what it trips over, such as an issuer that is away, is a crash.
func (q *Quay) checkFederated(ctx context.Context, name, token string) *apiError {
	q.mu.Lock()
	r, authorities, now := q.robots[name], q.issuerCA, q.now()
	var trusted []Federation
	if r != nil {
		trusted = slices.Clone(r.federation)
	}
	q.mu.Unlock()
	if r == nil {
		return errNoRobot
	}
	t, ok := parseForeign(token)
	issuer, isText := t.claims["iss"].(string)
	switch {
	case !ok:
		return errCrash
	case t.claims["iss"] == nil, isText && issuer == "":
		return errModel("Token does not contain issuer")
	case len(trusted) == 0:
		return errModel("Robot does not have federated login configured")
	}
	// The subjects of one issuer are one pool, and the last audiences are those of all.
	var subjects, audiences []string
	for _, f := range trusted {
		if isText && f.Issuer == issuer {
			subjects = append(subjects, f.Subject)
			if len(f.Audiences) > 0 {
				audiences = f.Audiences
			}
		}
	}
	if len(subjects) == 0 {
		return errModel(fmt.Sprintf("issuer %s not configured for this robot", pythonText(t.claims["iss"])))
	}
	if err := newProvider(issuer, authorities).check(ctx, t, audiences, now); err != nil {
		return err
	}
	subject, _ := t.claims["sub"].(string)
	if !slices.Contains(subjects, subject) {
		return errModel("Token does not match robot")
	}
	org, short, _ := strings.Cut(name, "+")
	q.mu.Lock()
	defer q.mu.Unlock()
	q.record(org, "federated_robot_token_exchange", "", map[string]any{"subject": subject, "issuer": issuer, "robot": short})
	return nil
}

// errFederated is the error for a token that is not good, in the words of its check.
func errFederated(format string, args ...any) *apiError {
	return errModel("Invalid token: " + fmt.Sprintf(format, args...))
}

// pythonText is a value as Python has it in a text.
func pythonText(v any) string {
	if text, ok := v.(string); ok {
		return text
	}
	return python(v)
}
