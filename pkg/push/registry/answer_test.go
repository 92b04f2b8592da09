package registry

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/internal/hostile"
	"github.com/comptech-lab/quay-push/pkg/push/strict"
)

// An answer of 4 MiB takes a small part of what its values would take, wherever it comes from.
func TestAnswersTakeLittleMemory(t *testing.T) {
	hostile.TakesLittleMemory(t, map[string]hostile.Document{
		"errors":           {Body: hostile.Fill(`{"errors":[`, `{}`, `]}`), Read: func(body []byte) bool { return (&Answer{Body: body, Header: http.Header{}}).err().Code != "" }},
		"details":          {Body: hostile.Fill(`{"errors":[{"code":"X","detail":[`, `[]`, `]}]}`), Read: func(body []byte) bool { return (&Answer{Body: body, Header: http.Header{}}).err().Code != "" }},
		"a token's rights": {Body: hostile.Fill(`{"access":[`, `{}`, `]}`), Read: func(body []byte) bool { var c claims; return strict.Decode(body, &c, "") == nil }},
		"a token":          {Body: hostile.Fill(`{"x":[`, `0`, `],"token":"x"}`), Read: func(body []byte) bool { _, err := parseToken(body, time.Now()); return err == nil }},
	})
}

func TestAnswerError(t *testing.T) {
	header := http.Header{"Server": {"BigIP"}, "Content-Type": {"text/html"}}
	for body, want := range map[string]string{
		`{"errors":[{"code":"DENIED","message":"no","detail":{"message":"why"}}]}`: `PUT /v2/x: 403 Forbidden "DENIED" "no: why"`,
		`{"error":"Invalid bearer token"}`:                                         `PUT /v2/x: 403 Forbidden "Invalid bearer token"`,
		`{"message":"Could not find robot with specified username"}`:               `PUT /v2/x: 403 Forbidden "Could not find robot with specified username"`,
		`<html>`:                            `PUT /v2/x: 403 Forbidden without a word (server "BigIP")`,
		``:                                  `PUT /v2/x: 403 Forbidden without a word (server "BigIP")`,
		`{"error":"\u001b[31mred"}`:         `PUT /v2/x: 403 Forbidden "\x1b[31mred"`,
		`{"errors":[]}`:                     `PUT /v2/x: 403 Forbidden without a word (server "BigIP")`,
		"{\"error\":\"\x1b[31mred\"}":       `PUT /v2/x: 403 Forbidden "{\"error\":\" [31mred\"}" (server "BigIP", type "text/html")`,
		`{"detail":"blocked by policy"}`:    `PUT /v2/x: 403 Forbidden "{\"detail\":\"blocked by policy\"}" (server "BigIP", type "text/html")`,
		`<h1>Request</h1> <b>Rejected</b>.`: `PUT /v2/x: 403 Forbidden "Request Rejected ." (server "BigIP", type "text/html")`,
	} {
		a := &Answer{method: "PUT", url: url.URL{Path: "/v2/x"}, status: 403, Header: header, Body: []byte(body)}
		if got := a.err().Error(); got != want {
			t.Errorf("error of %s = %s, want %s", body, got, want)
		}
		if strings.Contains(want, `type "text/html"`) != a.err().Foreign() {
			t.Errorf("foreign of %s = %v", body, a.err().Foreign())
		}
	}
}
