package dockerconfig_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/dockerconfig"
)

// secret is the password of every test; no output may hold it.
const secret = "S3CRETTOKENS3CRETTOKEN"

func auth(user, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
}

// wrapped is text in lines of 10 characters, as JSON has them.
func wrapped(text string) string {
	var lines []string
	for len(text) > 10 {
		lines, text = append(lines, text[:10]), text[10:]
	}
	return strings.Join(append(lines, text), `\n`)
}

func TestParseRefuses(t *testing.T) {
	tests := []struct {
		name, file string
		want       error
		text       string
	}{
		{"nothing", ``, dockerconfig.ErrInvalid, "not JSON"},
		{"an array", `[]`, dockerconfig.ErrInvalid, "not a JSON object"},
		{"broken JSON", `{"auths":{"` + secret + `":}}`, dockerconfig.ErrInvalid, "not JSON, at byte"},
		{"a member without value", `{"auths"}`, dockerconfig.ErrInvalid, "not JSON"},
		{"cut short", `{"auths":{}`, dockerconfig.ErrInvalid, "not JSON"},
		{"a number as a name", `{1:2}`, dockerconfig.ErrInvalid, "not JSON"},
		{"more data", `{} {"` + secret + `":1}`, dockerconfig.ErrInvalid, "more data"},
		{"a name twice", `{"auths":{},"auths":{}}`, dockerconfig.ErrInvalid, "given twice"},
		{"a key twice", `{"auths":{"h.io":{},"h.io":{}}}`, dockerconfig.ErrInvalid, "reading auths"},
		{"auths of the wrong type", `{"auths":"` + secret + `"}`, dockerconfig.ErrInvalid, "not a JSON object"},
		{"bytes that are no text", "{\"\xff\":1}", dockerconfig.ErrInvalid, "not UTF-8"},
		{"too much", `{"x":"` + strings.Repeat("x", dockerconfig.MaxSize) + `"}`, dockerconfig.ErrInvalid, "at most 1048576"},
		{"a credential store", `{"credsStore":"desktop"}`, dockerconfig.ErrHelper, "credsStore"},
		{"credential helpers of the wrong type", `{"credHelpers":["` + secret + `"]}`, dockerconfig.ErrInvalid, "reading credHelpers"},
		{"a credential helper of the wrong type", `{"credHelpers":{"h.io":{}}}`, dockerconfig.ErrInvalid, "not a string"},
		{"the legacy format", `{"h.io":{"auth":"` + auth("o+ci", secret) + `","email":"x"}}`, dockerconfig.ErrInvalid, "legacy .dockercfg"},
		{"the legacy format with a URL", `{"https://h.io/v1/":{"auth":"` + auth("o+ci", secret) + `"}}`, dockerconfig.ErrInvalid, "kubernetes.io/dockerconfigjson"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := dockerconfig.Parse([]byte(test.file))
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.text) {
				t.Errorf("Parse = %v, want %v with %q", err, test.want, test.text)
			}
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("the error holds the secret: %v", err)
			}
		})
	}
}

// bomb is a file of size bytes with as many entries as they take, each as small as it can be, in or beside auths.
func bomb(size int, before, after string) []byte {
	var b bytes.Buffer
	b.WriteString(before)
	for i := 0; b.Len() < size-len(after)-16; i++ {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"%x":{}`, i)
	}
	b.WriteString(after)
	return b.Bytes()
}

// A file of many tiny entries is refused before it takes much more memory than it is large.
func TestParseIsBoundedInMemory(t *testing.T) {
	for name, file := range map[string][]byte{
		"auths":    bomb(dockerconfig.MaxSize, `{"auths":{`, `}}`),
		"top":      bomb(dockerconfig.MaxSize, `{`, `}`),
		"an entry": bomb(dockerconfig.MaxSize, `{"auths":{"h.io":{`, `}}}`),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		config, err := dockerconfig.Parse(file)
		if err == nil {
			_, err = config.For("h.io", "o/app")
		}
		runtime.ReadMemStats(&after)
		if !errors.Is(err, dockerconfig.ErrInvalid) || !strings.Contains(err.Error(), "more than 1000 names") {
			t.Errorf("%s: %v", name, err)
		}
		if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 16*dockerconfig.MaxSize {
			t.Errorf("%s: %d KiB were allocated for a file of %d KiB", name, allocated>>10, len(file)>>10)
		}
	}
	// A thousand registries are taken.
	entries := map[string]map[string]string{}
	for i := range 1000 {
		entries[fmt.Sprintf("h%d.io", i)] = map[string]string{"auth": auth("o+ci", secret)}
	}
	file, err := json.Marshal(map[string]any{"auths": entries})
	if err != nil {
		t.Fatal(err)
	}
	config, err := dockerconfig.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	if match, err := config.For("h999.io", "o/app"); err != nil || match.Key != "h999.io" {
		t.Errorf("%+v, %v", match, err)
	}
}

func TestParseTakesWhatDockerWrites(t *testing.T) {
	for _, file := range []string{`{}`, `{"auths":{}}`, `{"credsStore":"","credHelpers":{},"HttpHeaders":{"User-Agent":"x"}}`, ` {"auths": {} } `,
		`{"auths":null}`, `{"auths": null ,"credHelpers":null,"credsStore":null}`} {
		if _, err := dockerconfig.Parse([]byte(file)); err != nil {
			t.Errorf("Parse(%s): %v", file, err)
		}
	}
}

func TestEntries(t *testing.T) {
	tests := []struct {
		name, entry string
		want        error
		text        string
	}{
		{"auth", `{"auth":"` + auth("o+ci", secret) + `"}`, nil, ""},
		{"auth without padding", `{"auth":"` + strings.TrimRight(auth("o+ci", secret), "=") + `"}`, nil, ""},
		{"username and password", `{"username":"o+ci","password":"` + secret + `"}`, nil, ""},
		{"all three, as kubectl writes", `{"username":"o+ci","password":"` + secret + `","auth":"` + auth("o+ci", secret) + `","email":"x"}`, nil, ""},
		{"auth in lines, with padding", `{"auth":"` + wrapped(auth("o+ci", secret)) + `\n"}`, nil, ""},
		{"auth in lines, of Windows", `{"auth":"` + strings.ReplaceAll(wrapped(auth("o+ci", secret)), `\n`, `\r\n`) + `\r\n"}`, nil, ""},
		{"NULs behind the password", `{"auth":"` + auth("o+ci", secret+"\x00\x00") + `"}`, nil, ""},
		{"an identity token beside auth", `{"auth":"` + auth("o+ci", secret) + `","identitytoken":"x"}`, nil, ""},
		{"a registry token beside a password", `{"username":"o+ci","password":"` + secret + `","registrytoken":"x"}`, nil, ""},
		{"an identity token beside a user", `{"auth":"` + auth("o+ci", "") + `","identitytoken":"x"}`, dockerconfig.ErrUnsupported, "identitytoken"},
		{"a NUL within the password", `{"auth":"` + auth("o+ci", "a\x00b") + `"}`, dockerconfig.ErrInvalid, "control character"},
		{"a space in auth", `{"auth":" ` + auth("o+ci", secret) + `"}`, dockerconfig.ErrInvalid, "not base64"},
		{"an empty one", `{}`, dockerconfig.ErrInvalid, "no user name or no password"},
		{"no object", `"` + secret + `"`, dockerconfig.ErrInvalid, "not a JSON object"},
		{"no base64", `{"auth":"` + secret + `!"}`, dockerconfig.ErrInvalid, "not base64"},
		{"no colon", `{"auth":"` + base64.StdEncoding.EncodeToString([]byte(secret)) + `"}`, dockerconfig.ErrInvalid, "no colon"},
		{"a newline at the end", `{"auth":"` + auth("o+ci", secret+"\n") + `"}`, dockerconfig.ErrInvalid, "newline"},
		{"a control character in the name", `{"auth":"` + auth("o\x1b+ci", secret) + `"}`, dockerconfig.ErrInvalid, "user name has a control"},
		{"a colon in the name", `{"username":"o:ci","password":"` + secret + `"}`, dockerconfig.ErrInvalid, "colon"},
		{"a number", `{"password":17,"username":"x"}`, dockerconfig.ErrInvalid, "password is not a string"},
		{"two users", `{"username":"other","auth":"` + auth("o+ci", secret) + `"}`, dockerconfig.ErrInvalid, "does not say the same"},
		{"two passwords", `{"password":"other","auth":"` + auth("o+ci", secret) + `"}`, dockerconfig.ErrInvalid, "does not say the same"},
		{"an identity token", `{"identitytoken":"` + secret + `"}`, dockerconfig.ErrUnsupported, "identitytoken"},
		{"a registry token", `{"registrytoken":"` + secret + `"}`, dockerconfig.ErrUnsupported, "registrytoken"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			config, err := dockerconfig.Parse([]byte(`{"auths":{"h.io":` + test.entry + `}}`))
			if err != nil {
				t.Fatalf("one bad entry makes the file useless: %v", err)
			}
			match, err := config.For("h.io", "o/app")
			if test.want != nil {
				if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.text) || !strings.Contains(err.Error(), `"h.io"`) {
					t.Errorf("For = %v, want %v with %q and the key", err, test.want, test.text)
				}
				if strings.Contains(fmt.Sprint(err), secret) {
					t.Errorf("the error holds the secret: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got, want := match.Credential.Authorization().Reveal(), "Basic "+auth("o+ci", secret); got != want {
				t.Errorf("Authorization = %q, want %q", got, want)
			}
			if match.Credential.Username != "o+ci" {
				t.Errorf("Username = %q", match.Credential.Username)
			}
		})
	}
}

// base64 ends its lines, and so a value, with a line break, whether padding stands in front of it or not.
func TestAuthOfAnyLengthMayEndInANewline(t *testing.T) {
	for _, user := range []string{"o+c", "o+ci", "o+cii"} {
		config, err := dockerconfig.Parse([]byte(`{"auths":{"h.io":{"auth":"` + auth(user, secret) + `\n"}}}`))
		if err != nil {
			t.Fatal(err)
		}
		match, err := config.For("h.io", "o/app")
		if got, want := match.Credential.Authorization().Reveal(), "Basic "+auth(user, secret); err != nil || got != want {
			t.Errorf("Authorization of %q = %q, %v, want %q", user, got, err, want)
		}
	}
}

func TestNothingPrintsThePassword(t *testing.T) {
	config, err := dockerconfig.Parse([]byte(`{"auths":{"h.io":{"auth":"` + auth("o+ci", secret) + `"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	match, err := config.For("h.io", "o/app")
	if err != nil {
		t.Fatal(err)
	}
	// A field that has no name to call a method on is where String and Format do not help.
	hidden := struct{ match dockerconfig.Match }{match}
	encoded := strings.TrimPrefix(match.Credential.Authorization().Reveal(), "Basic ")
	for _, value := range []any{config, &config, match, &match, match.Credential, &match.Credential, hidden, &hidden, []any{match}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			got := fmt.Sprintf(verb, value)
			if strings.Contains(got, secret) || strings.Contains(got, encoded) || strings.Contains(got, fmt.Sprintf("%x", secret)) {
				t.Errorf("Sprintf(%q, %T) holds the secret: %s", verb, value, got)
			}
		}
		got, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(got), secret) || strings.Contains(string(got), encoded) {
			t.Errorf("JSON of %T holds the secret: %s", value, got)
		}
	}
}

func TestRobot(t *testing.T) {
	for user, want := range map[string]string{
		"team-payments+ci": "team-payments ci", "team-payments+ci-b": "team-payments ci-b",
		"alice": "", "+ci": "", "team+": "", "a+b+c": "", "$oauthtoken": "",
	} {
		config, err := dockerconfig.Parse([]byte(`{"auths":{"h.io":{"username":"` + user + `","password":"x"}}}`))
		if err != nil {
			t.Fatal(err)
		}
		match, err := config.For("h.io", "")
		if err != nil {
			t.Fatal(err)
		}
		organization, short, ok := match.Credential.Robot()
		if got := strings.TrimSpace(organization + " " + short); got != want || ok != (want != "") {
			t.Errorf("Robot of %q = %q, %q, %v, want %q", user, organization, short, ok, want)
		}
	}
	if got := (dockerconfig.Credential{Username: "x"}).Authorization().Reveal(); got != "" {
		t.Errorf("a credential without password authorizes as %q", got)
	}
}

func TestRedact(t *testing.T) {
	config, err := dockerconfig.Parse([]byte(`{"auths":{"h.io":{"auth":"` + auth("o+ci", secret) + `"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	match, err := config.For("h.io", "o/app")
	if err != nil {
		t.Fatal(err)
	}
	echo := "user o+ci sent " + secret + " in " + match.Credential.Authorization().Reveal()
	if got, want := match.Credential.Authorization().Redact(echo), "user o+ci sent (secret) in Basic (secret)"; got != want {
		t.Errorf("Redact = %q, want %q", got, want)
	}
	if got := (dockerconfig.Credential{}).Authorization().Redact(echo); got != echo {
		t.Errorf("Redact without a password = %q", got)
	}
}
