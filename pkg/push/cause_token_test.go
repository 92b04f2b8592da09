package push_test

import (
	"net/http"
	"strings"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// tokenCauses are token services that refuse a credential in words that are not Quay's, or that are none.
var tokenCauses = []cause{
	{"Docker Hub's words for a wrong token", play("GET", onToken, inJSON(401, `{"details":"incorrect username or password"}`)), failure.ClassCredentialRefused, `HOST does not know robot "team-a+ci" with this token (auths entry "HOST")`, "GET /v2/auth: 401 Unauthorized", "let the Secret follow Vault"},
	{"plain words for a wrong token", play("GET", onToken, quaytest.Status(401, http.Header{"Content-Type": {"text/plain"}}, "Auth failed.")), failure.ClassCredentialRefused, `HOST does not know robot "team-a+ci"`, "GET /v2/auth: 401 Unauthorized", "let the Secret follow Vault"},
	{"words without a type for a wrong token", play("GET", onToken, quaytest.Status(401, nil, "Unauthorized")), failure.ClassCredentialRefused, `HOST does not know robot "team-a+ci"`, "Unauthorized", "let the Secret follow Vault"},
	{"no words for a wrong token", play("GET", onToken, inJSON(401, `{}`)), failure.ClassCredentialRefused, `HOST does not know robot "team-a+ci"`, "GET /v2/auth: 401", "let the Secret follow Vault"},
	{"a number for a wrong token", play("GET", onToken, inJSON(401, `{"errors":[{"code":401,"message":"wrong"}]}`)), failure.ClassCredentialRefused, `HOST does not know robot "team-a+ci"`, "GET /v2/auth: 401 Unauthorized", "let the Secret follow Vault"},
	{"a disabled robot in other words", play("GET", onToken, inJSON(403, `{"details":"disabled"}`)), failure.ClassCredentialRefused, `HOST gives robot "team-a+ci" no token`, "GET /v2/auth: 403 Forbidden", "is disabled"},
	{"a wrong token at another token service", atTokenHost(inJSON(401, `{"details":"incorrect username or password"}`)), failure.ClassCredentialRefused, `, the token service of HOST, does not know robot "team-a+ci" with this token (auths entry "HOST")`, "GET /v2/auth: 401", "let the Secret follow Vault"},
	{"a page of another token service", atTokenHost(webPage(403)), failure.ClassProtocol, "something in front of localhost:", "Request Rejected", "what is in front of localhost:"},
	{"another token service that fails", atTokenHost(quaytest.Status(503, nil, "")), failure.ClassUnavailable, ", the token service of HOST, fails", "503", "run it again later"},
	{"another token service that is none", atTokenHost(quaytest.Status(404, nil, "404 page not found")), failure.ClassProtocol, ", the token service of HOST, does not answer as one", "GET /v2/auth: 404", "https://localhost:"},
	{"no token service", play("GET", onToken, says(404, "NAME_UNKNOWN", "no")), failure.ClassProtocol, "HOST does not answer as a token service", "NAME_UNKNOWN", `ask who runs HOST whether "https://HOST/v2/auth" is its token service`},
	{"a token service with a conflict", play("GET", onToken, says(409, "CONFLICT", "no")), failure.ClassProtocol, "HOST does not answer as a token service", "409", "is its token service"},
	{"no registry, in a registry's words", play("GET", onPing, says(404, "NAME_UNKNOWN", "no")), failure.ClassProtocol, "HOST sent an unexpected response", "GET /v2/: 404", "check that --image-ref (param image-ref) names the registry"},
	{"Docker Hub's words for a wrong token of the source", source("GET", onToken, inJSON(401, `{"details":"incorrect username or password"}`)), failure.ClassCredentialRefused, `where the source is, does not know "base+puller" with this token (auths entry "127.0.0.1:`, "GET /v2/auth: 401 Unauthorized", "let the Secret follow Vault"},
	{"plain words for a wrong token of the source", source("GET", onToken, quaytest.Status(401, nil, "Auth failed.")), failure.ClassCredentialRefused, `where the source is, does not know "base+puller"`, "GET /v2/auth: 401 Unauthorized", "let the Secret follow Vault"},
	{"plain words for nobody's token", anonymous(onToken, quaytest.Status(401, nil, "Unauthorized")), failure.ClassNoAccess, "nobody may pull from it without a credential", "Unauthorized", "leave --source-anonymous (param source-anonymous) out"},
	{"a page for a token of the source", source("GET", onToken, webPage(401)), failure.ClassProtocol, "something in front of 127.0.0.1:", "Request Rejected", "firewall"},
	{"no token service of the source", source("GET", onToken, quaytest.Status(404, nil, "404 page not found")), failure.ClassProtocol, "where the source is, does not answer as a token service", "GET /v2/auth: 404", "is its token service"},
	{"no token service for nobody", anonymous(onToken, says(404, "NOT_FOUND", "no")), failure.ClassProtocol, "where the source is, does not answer as a token service", "GET /v2/auth: 404", "is its token service"},
	{"no registry at the source", source("GET", onPing, quaytest.Status(404, nil, "404 page not found")), failure.ClassProtocol, "where the source is, sent an unexpected response", "GET /v2/: 404", "check that --source (param source) names the registry"},
}

// inJSON is an answer in JSON.
func inJSON(status int, body string) quaytest.Effect {
	return quaytest.Status(status, http.Header{"Content-Type": {"application/json"}}, body)
}

// anonymous makes requests for path to the registry of a source that is read without a credential end in effect.
func anonymous(path string, effect quaytest.Effect) func(f *fixture) {
	return func(f *fixture) {
		source("GET", path, effect)(f)
		f.opts.SourceAnonymous = true
	}
}

// atTokenHost moves the token service to another host, where effect answers.
func atTokenHost(effect quaytest.Effect) func(f *fixture) {
	return func(f *fixture) {
		f.opts.TokenHost = strings.Replace(f.Host(), "127.0.0.1", "localhost", 1)
		sendsTo("GET", onPing, "WWW-Authenticate", `Bearer realm="https://`+f.opts.TokenHost+`/v2/auth",service="HOST"`)(f)
		play("GET", onToken, effect)(f)
	}
}
