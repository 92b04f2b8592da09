package secret_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/secret"
)

func encode(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func TestRedact(t *testing.T) {
	const (
		token = "S3CRETTOKENS3CRETTOKEN"
		short = `a b/"c&ü` + "\n"
	)
	file := `{"auths":{"quay.test":{"auth":"` + encode("team-a+ci:"+token) + `"}}}`
	for _, test := range []struct {
		name       string
		v          secret.Value
		text, want string
	}{
		{name: "nothing", v: secret.New(token), text: "", want: ""},
		{name: "no secret", v: secret.Value{}, text: "any text", want: "any text"},
		{name: "another text", v: secret.New(token), text: "S3CRETTOKEN", want: "S3CRETTOKEN"},
		{name: "as it is", v: secret.New(token), text: "a " + token + ", a" + token + "b", want: "a (secret), a(secret)b"},
		{name: "base64", v: secret.New(token), text: "x=" + encode(token) + "; " + encode("a"+token+"b") + "!" + encode("ab"+token), want: "x=(secret); (secret)!(secret)"},
		{name: "base64 without padding", v: secret.New(token), text: "x=" + strings.TrimRight(encode(token), "=") + ";", want: "x=(secret);"},
		{name: "base64 for URLs", v: secret.New(strings.Repeat("?>", 10)), text: base64.URLEncoding.EncodeToString([]byte("u:" + strings.Repeat("?>", 10))), want: "(secret)"},
		{name: "a header", v: secret.New(token), text: "Authorization: Basic " + encode("u:"+token) + "\r\n", want: "Authorization: Basic (secret)\r\n"},
		{name: "a dockerconfig", v: secret.New(token), text: file, want: `{"auths":{"quay.test":{"auth":"(secret)"}}}`},
		{name: "a dockerconfig in base64", v: secret.New(token).Basic("team-a+ci"), text: "data: " + encode(file), want: "data: (secret)"},
		{name: "escapes of JSON", v: secret.New(short), text: `{"x":"a b\/\"c\u0026\u00FC\n"}`, want: `{"x":"(secret)"}`},
		{name: "as encoding/json writes it", v: secret.New(short), text: marshal(short), want: `"(secret)"`},
		{name: "as Go quotes it", v: secret.New(short), text: fmt.Sprintf("%q %+q", short, short), want: `"(secret)" "(secret)"`},
		{name: "in a query", v: secret.New(short), text: "?x=" + url.QueryEscape(short) + "&", want: "?x=(secret)&"},
		{name: "in a path", v: secret.New(short), text: "/" + url.PathEscape(short) + "/" + strings.ToLower(url.PathEscape(short)), want: "/(secret)/(secret)"},
		{name: "in the user of a URL", v: secret.New("p@ss:w/rd"), text: "https://" + url.UserPassword("u", "p@ss:w/rd").String() + "@host/", want: "https://u:(secret)@host/"},
		{name: "beyond 16 bits", v: secret.New("a😀b"), text: `a😀b a\ud83d\uDE00b a%F0%9F%98%80b a\U0001f600b`, want: "(secret) (secret) (secret) (secret)"},
		{name: "bytes that are no text", v: secret.New("a\xffb"), text: "a\xffb a\ufffdb " + marshal("a\xffb") + ` a\xffb a%FFb`, want: `(secret) (secret) "(secret)" (secret) (secret)`},
		{name: "Basic", v: secret.New("x").Basic("u"), text: "Basic " + encode("u:x") + " for u", want: "Basic (secret) for u"},
		{name: "Basic in a query", v: secret.New("~~~").Basic("u?"), text: "auth=" + url.QueryEscape(encode("u?:~~~")), want: "auth=(secret)"},
		{name: "the password of Basic", v: secret.New(token).Basic("u"), text: token + " of u, Basic " + encode("other:"+token), want: "(secret) of u, Basic (secret)"},
		{name: "Bearer", v: secret.New(token).Bearer(), text: "Bearer " + token + " and " + encode(token), want: "Bearer (secret) and (secret)"},
		{name: "short in base64", v: secret.New("word"), text: "x " + encode("word") + ", " + strings.TrimRight(encode("word"), "=") + ".", want: "x (secret), (secret)."},
		{name: "very long", v: secret.New(strings.Repeat(token, 1000)), text: "x" + strings.Repeat(token, 1000) + "y", want: "x(secret)y"},
		// The name of a user stands in a token, and may be the password, too.
		{name: "short within base64", v: secret.New("team-a"), text: encode(`{"sub":"team-a"}`), want: encode(`{"sub":"team-a"}`)},
		{name: "shorter than a word in base64", v: secret.New("x"), text: "eA of eA==", want: "eA of eA=="},
	} {
		if got := test.v.Redact(test.text); got != test.want {
			t.Errorf("%s: Redact(%q) is %q, want %q", test.name, test.text, got, test.want)
		}
	}
}

func marshal(text string) string {
	out, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(out)
}

// A stranger's token may have any size. Looking for it takes no memory.
func TestRedactIsBounded(t *testing.T) {
	huge, text := secret.New(strings.Repeat("/\"", 1<<20)).Bearer(), strings.Repeat("x", 1<<20)
	if got := testing.AllocsPerRun(1, func() { huge.Redact(text) }); got > 0 {
		t.Errorf("%v allocations", got)
	}
}

// Whatever the secret is and whatever stands around it, nothing of an encoding is left.
func FuzzRedact(f *testing.F) {
	f.Add("S3CRETTOKENS3CRETTOKEN", "user", "around ", " it")
	f.Add("p@ss/w\\ord\"\n\x00\xff😀ü", "u:x", "", "")
	f.Add("(secret)", "(secret)", "(", ")")
	f.Add("aaaaaaaaaaaaaaaaaaaa", "a", "a", "aa")
	f.Fuzz(func(t *testing.T, word, user, before, after string) {
		if word == "" || len(word) > 1000 {
			return
		}
		v := secret.New(word)
		basic := v.Basic(user)
		encoded := []string{word, url.QueryEscape(word), url.PathEscape(word), strings.Trim(marshal(word), `"`), strings.Trim(fmt.Sprintf("%q", word), `"`)}
		if len(word) >= 4 {
			encoded = append(encoded, " "+encode(word)+" ", " "+base64.RawURLEncoding.EncodeToString([]byte(word))+" ")
		}
		if len(word) >= 16 {
			encoded = append(encoded, encode(before+word+after), base64.RawURLEncoding.EncodeToString([]byte(before+word+after)))
		}
		for _, form := range append(encoded, basic.Reveal(), url.QueryEscape(basic.Reveal()[len("Basic "):])) {
			text := before + form + after
			got := basic.Redact(text)
			// What stands around it, and the mark itself, may have the secret again.
			if strings.Contains(got, strings.TrimSpace(form)) && !strings.Contains(before+"(secret)"+after+user, strings.TrimSpace(form)) && len(form) > 8 {
				t.Errorf("Redact(%q) of %q is %q", text, word, got)
			}
			if !strings.Contains(text, word) && !strings.Contains(got, "(secret)") {
				t.Errorf("Redact(%q) of %q found nothing: %q", text, word, got)
			}
		}
		if got := v.Redact(before); !strings.Contains(before, "(secret)") && got != before && len(word) >= 16 && !strings.Contains(got, "(secret)") {
			t.Errorf("Redact(%q) is %q", before, got)
		}
	})
}
