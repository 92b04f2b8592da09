package dockerconfig

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"

	"github.com/comptech-lab/quay-push/pkg/secret"
)

// Credential is a user name and a password. Printing it, in any format and as JSON, shows the user name alone.
type Credential struct {
	// Username is the full name of the robot, such as team-payments+ci.
	Username string
	password secret.Value
}

// NewCredential is the credential of a user with that password.
func NewCredential(username string, password secret.Value) Credential {
	return Credential{Username: username, password: password}
}

// Password is the password alone, for what is stored apart from the user name.
func (c Credential) Password() secret.Value { return c.password }

// Authorization is the value of the HTTP header that carries the credential (RFC 7617); zero for a credential without a
// password.
func (c Credential) Authorization() secret.Value {
	if c.password.IsZero() {
		return secret.Value{}
	}
	return c.password.Basic(c.Username)
}

// Robot splits the user name of a Quay robot, <organization>+<short name>; ok is false for any other user.
func (c Credential) Robot() (organization, short string, ok bool) {
	organization, short, ok = strings.Cut(c.Username, "+")
	ok = ok && organization != "" && short != "" && !strings.Contains(short, "+")
	if !ok {
		return "", "", false
	}
	return organization, short, true
}

// parseCredential reads one value of auths. A user name and a password count, even beside a token. The error wraps ErrInvalid
// or ErrUnsupported and holds nothing of data.
func parseCredential(data json.RawMessage) (Credential, error) {
	fields, err := object(data)
	if err != nil {
		return Credential{}, err
	}
	values := map[string]string{}
	for _, name := range []string{"auth", "username", "password", "identitytoken", "registrytoken"} {
		value := ""
		if raw, ok := fields[name]; ok && json.Unmarshal(raw, &value) != nil {
			return Credential{}, fmt.Errorf("%w: %s is not a string", ErrInvalid, name)
		}
		values[name] = value
	}
	username, password := values["username"], values["password"]
	if values["auth"] != "" {
		if username, password, err = decodeAuth(values["auth"]); err != nil {
			return Credential{}, err
		}
		if disagree(values["username"], username) || disagree(values["password"], password) {
			return Credential{}, fmt.Errorf("%w: auth does not say the same as username and password", ErrInvalid)
		}
	}
	for _, name := range []string{"identitytoken", "registrytoken"} {
		if values[name] != "" && (username == "" || password == "") {
			return Credential{}, fmt.Errorf("%w: it has %s, and Quay takes a user name and a password", ErrUnsupported, name)
		}
	}
	return newCredential(username, password)
}

func disagree(plain, decoded string) bool { return plain != "" && plain != decoded }

// decodeAuth splits base64(username:password), with or without padding as the kubelet takes it, with the line breaks of the
// program base64 and, behind the password, the NULs that Docker cuts off.
func decodeAuth(auth string) (username, password string, err error) {
	decoded, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(lineBreaks.Replace(auth), "="))
	if err != nil {
		return "", "", fmt.Errorf("%w: auth is not base64", ErrInvalid)
	}
	username, password, ok := strings.Cut(string(decoded), ":")
	if !ok {
		return "", "", fmt.Errorf("%w: auth has no colon between user name and password", ErrInvalid)
	}
	return username, strings.TrimRight(password, "\x00"), nil
}

var lineBreaks = strings.NewReplacer("\r", "", "\n", "")

func newCredential(username, password string) (Credential, error) {
	switch {
	case username == "" || password == "":
		return Credential{}, fmt.Errorf("%w: the entry has no user name or no password", ErrInvalid)
	case strings.Contains(username, ":"):
		return Credential{}, fmt.Errorf("%w: the user name has a colon", ErrInvalid)
	case strings.ContainsFunc(username, unicode.IsControl):
		return Credential{}, fmt.Errorf("%w: the user name has a control character", ErrInvalid)
	case strings.ContainsFunc(password, unicode.IsControl):
		return Credential{}, fmt.Errorf("%w: the password has a control character, perhaps a newline at its end", ErrInvalid)
	}
	return Credential{Username: username, password: secret.New(password)}, nil
}
