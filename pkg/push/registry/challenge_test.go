package registry

import (
	"net/http"
	"strings"
	"testing"
)

func TestParseChallenge(t *testing.T) {
	tests := []struct {
		headers []string
		want    challenge
		ok      bool
	}{
		{[]string{`Bearer realm="https://q.io/v2/auth",service="q.io"`}, challenge{"https://q.io/v2/auth", "q.io"}, true},
		{[]string{`bearer realm=https://q.io/auth , service = "q.io" ,scope="repository:a/b:pull,push"`}, challenge{"https://q.io/auth", "q.io"}, true},
		{[]string{`Basic realm="x"`, `Bearer realm="https://q.io/auth"`}, challenge{"https://q.io/auth", ""}, true},
		{[]string{`Basic realm="r, Bearer realm=x", Bearer realm="https://q.io/a",service="q"`}, challenge{"https://q.io/a", "q"}, true},
		{[]string{`Bearer realm="https://q.io/a",service="q", Basic realm="r",service="other"`}, challenge{"https://q.io/a", "q"}, true},
		{[]string{`Negotiate, Bearer realm="https://q.io/a"`}, challenge{"https://q.io/a", ""}, true},
		{[]string{`Negotiate YII+a/b==, Bearer realm="https://q.io/a"`}, challenge{"https://q.io/a", ""}, true},
		{[]string{`Negotiate YII, Basic realm="x",charset="UTF-8" , BEARER	realm = "https://q.io/a"`}, challenge{"https://q.io/a", ""}, true},
		{[]string{`Bearer realm="", Bearer realm="https://q.io/a"`}, challenge{"https://q.io/a", ""}, true},
		{[]string{`, ,Bearer realm="https://q.io/a",, service=q`}, challenge{"https://q.io/a", "q"}, true},
		{[]string{strings.Repeat("Other, ", maxChallenges-1) + `Bearer realm="https://q.io/a"`}, challenge{"https://q.io/a", ""}, true},
		{[]string{strings.Repeat("Other, ", maxChallenges) + `Bearer realm="https://q.io/a"`}, challenge{}, false},
		{[]string{`realm="https://q.io/a"`}, challenge{}, false},
		{[]string{`Basic realm="open, Bearer realm=x`}, challenge{}, false},
		{[]string{`Bearer service="a\"b",realm="https://q.io/a"`}, challenge{"https://q.io/a", `a"b`}, true},
		{[]string{`Bearer realm="one",realm="two"`}, challenge{"one", ""}, true},
		{[]string{`Bearer realm="open`}, challenge{}, false},
		{[]string{`Bearer`}, challenge{}, false},
		{[]string{`Bearer ,,,=`}, challenge{}, false},
		{[]string{`Basic realm="x"`}, challenge{}, false},
		{nil, challenge{}, false},
	}
	for _, test := range tests {
		got, ok := parseChallenge(http.Header{"Www-Authenticate": test.headers})
		if got != test.want || ok != test.ok {
			t.Errorf("parseChallenge(%q) = %+v, %v, want %+v, %v", test.headers, got, ok, test.want, test.ok)
		}
	}
}
