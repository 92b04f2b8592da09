package secret

import "encoding/base64"

// Basic returns the value of the Authorization header for user with v as the password (RFC 7617), which is a secret again.
// No secret is an empty password.
func (v Value) Basic(user string) Value {
	credentials := base64.StdEncoding.EncodeToString([]byte(user + ":" + v.Reveal()))
	return header("Basic", New(credentials), v)
}

// Bearer returns the value of the Authorization header for the token v (RFC 6750), which is a secret again; none if v is
// none.
func (v Value) Bearer() Value {
	if v.IsZero() {
		return v
	}
	return header("Bearer", v)
}

// header is the value of a header, by its scheme and credentials. More secrets may be within the credentials.
func header(scheme string, credentials Value, more ...Value) Value {
	text, all := scheme+" "+credentials.Reveal(), append([]Value{credentials}, more...)
	return Value{reveal: func() string { return text }, within: func() []Value { return all }}
}
