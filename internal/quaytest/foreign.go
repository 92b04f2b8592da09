package quaytest

import (
	"crypto"
	"crypto/rsa"
	_ "crypto/sha256" // for RS256
	_ "crypto/sha512" // for RS384
	"encoding/base64"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// foreign is a token of an issuer, not verified.
type foreign struct {
	algorithm string
	// kid is nil where the header has none.
	kid    any
	claims map[string]any
	// signed is what signature is of.
	signed    string
	signature []byte
}

// parseForeign reads a token; ok is false for what is none.
func parseForeign(token string) (t foreign, ok bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return t, false
	}
	var header map[string]any
	for i, into := range []any{&header, &t.claims} {
		data, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[i], "="))
		if err != nil || json.Unmarshal(data, into) != nil {
			return t, false
		}
	}
	var err error
	t.signature, err = base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[2], "="))
	t.algorithm, _ = header["alg"].(string)
	t.kid = header["kid"]
	_, named := t.kid.(string)
	t.signed = parts[0] + "." + parts[1]
	return t, err == nil && header != nil && t.claims != nil && (named || t.kid == nil)
}

// check is what PyJWT and quay/quay:util/security/jwtutil.py check of a token, in their order; the first thing that is wrong is what
// it returns. None of audiences means that any will do.
func (t foreign) check(key *rsa.PublicKey, audiences []string, now time.Time) *apiError {
	hash, ok := map[string]crypto.Hash{"RS256": crypto.SHA256, "RS384": crypto.SHA384}[t.algorithm]
	switch {
	case t.algorithm == "":
		return errFederated("Algorithm not specified")
	case !ok:
		return errFederated("The specified alg value is not allowed")
	}
	sum := hash.New()
	sum.Write([]byte(t.signed))
	if rsa.VerifyPKCS1v15(key, hash, sum.Sum(nil), t.signature) != nil {
		return errFederated("Signature verification failed")
	}
	if err := t.checkIssued(now); err != nil {
		return err
	}
	expires, ok := seconds(t.claims["exp"])
	switch {
	case !ok:
		return errFederated("Expiration Time claim (exp) must be an integer.")
	case expires <= now.Add(-tokenLeeway).Unix():
		return errFederated("Signature has expired")
	}
	if problem := t.checkAudience(audiences); problem != "" {
		return errFederated("%s", problem)
	}
	if _, ok := t.claims["sub"].(string); !ok && t.claims["sub"] != nil {
		return errFederated("Subject must be a string")
	}
	if _, ok := t.claims["jti"].(string); !ok && t.claims["jti"] != nil {
		return errFederated("JWT ID must be a string")
	}
	return nil
}

// checkIssued checks what is there, and since when.
func (t foreign) checkIssued(now time.Time) *apiError {
	for _, name := range []string{"iat", "exp"} {
		if t.claims[name] == nil {
			return errFederated("Token is missing the %q claim", name)
		}
	}
	issued, ok := seconds(t.claims["iat"])
	switch {
	case !ok:
		return errFederated("Issued At claim (iat) must be an integer.")
	case issued > now.Add(tokenLeeway).Unix():
		return errFederated("Issued At claim (iat) cannot be in the future.")
	}
	return nil
}

// checkAudience returns what is wrong with the claim aud.
func (t foreign) checkAudience(audiences []string) string {
	if len(audiences) == 0 {
		return ""
	}
	var has []any
	switch aud := t.claims["aud"].(type) {
	case nil:
		return `Token is missing the "aud" claim`
	case string:
		has = []any{aud}
	case []any:
		has = aud
	default:
		return "Invalid claim format in token"
	}
	matches := false
	for _, one := range has {
		text, ok := one.(string)
		if !ok {
			return "Invalid claim format in token"
		}
		matches = matches || slices.Contains(audiences, text)
	}
	if !matches {
		return "Audience doesn't match"
	}
	return ""
}

// seconds is a time as Python's int reads it.
func seconds(v any) (int64, bool) {
	switch v := v.(type) {
	case float64:
		return int64(v), math.Abs(v) < 1<<53
	case string:
		n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
		return n, err == nil
	}
	return 0, false
}
