package federation_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/internal/nexttest"
	"github.com/comptech-lab/quay-push/internal/oidctest"
	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/federation"
	"github.com/comptech-lab/quay-push/pkg/proxy"
	"github.com/comptech-lab/quay-push/pkg/secret"
)

// scene is what a case changes before it exchanges.
type scene struct {
	quay   *quaytest.Quay
	issuer *oidctest.Issuer
	federation.Exchanger
	robot  string
	by     oidctest.Signer
	claims map[string]any
	// token is in place of one with the claims.
	token string
}

// words are Quay's answer 400 with the given words.
func words(text string) quaytest.Effect {
	return quaytest.Status(400, http.Header{"Content-Type": {"application/json"}}, fmt.Sprintf(`{"message":%q}`, text))
}

// broken has every exchange end in effect.
func (s *scene) broken(effect quaytest.Effect) {
	s.quay.Faults.Add(quaytest.Fault{Name: "broken", Times: -1, Effect: effect})
}

// Each cause has its own words and its own next step, by what Quay answers to a real token; none has a token in it. ISSUER and QUAY stand
// for their addresses.
func TestCauses(t *testing.T) {
	past := time.Now().Add(-time.Hour).Truncate(time.Second)
	future := time.Now().Add(time.Hour).Truncate(time.Second)
	moment := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	const notQuay = "see whether the address is Quay's, and what answers in front of it, such as a login, a firewall or a proxy: it has to let this request through"
	seen := []string{}
	for name, test := range map[string]struct {
		change                     func(s *scene)
		cause                      federation.Cause
		passing                    bool
		problem, proof, next, from string
	}{
		"not a robot": {change: func(s *scene) { s.robot = "ci" }, cause: federation.CauseRobot, from: "ci",
			problem: "it is not the name of a robot, ORG+NAME", next: "correct the robot's name"},
		"a password in the robot": {change: func(s *scene) { s.robot = "a+b:c" }, cause: federation.CauseRobot, from: "a+b:c",
			problem: "it is not the name of a robot, ORG+NAME", next: "correct the robot's name"},
		"no token": {change: func(s *scene) { s.token = "(none)" }, cause: federation.CauseToken,
			problem: "there is no token", next: "give the token that the issuer made for this run, three parts with dots between them, and nothing else"},
		"a static token": {change: func(s *scene) { s.token = strings.Repeat("A1", 32) }, cause: federation.CauseToken,
			problem: "the token is not a JWT, three parts with dots between them", next: "give the token that the issuer made for this run, three parts with dots between them, and nothing else"},
		"a newline": {change: func(s *scene) { s.token = "a.b.c\n" }, cause: federation.CauseToken,
			problem: "the token has a space or a newline in it", next: "give the token that the issuer made for this run, three parts with dots between them, and nothing else"},
		"three words": {change: func(s *scene) { s.token = "a.b.c" }, cause: federation.CauseToken,
			problem: "the token is not a JWT: one of its parts is not JSON in base64", next: "give the token that the issuer made for this run, three parts with dots between them, and nothing else"},
		"a key without a name": {change: func(s *scene) { s.by = oidctest.Nameless }, cause: federation.CauseToken,
			problem: "the token does not say by which key it is signed", proof: "GET /oauth2/federation/robot/token: 400 Bad Request \"Invalid token: Missing `kid` header\"",
			next: "let the issuer name the key in the header of its tokens"},
		"ES256": {change: func(s *scene) { s.by = oidctest.ES256 }, cause: federation.CauseAlgorithm,
			problem: `the token is signed with "ES256", and Quay takes RS256 and RS384 alone`,
			proof:   `GET /oauth2/federation/robot/token: 500 Internal Server Error "Internal Server Error Internal Server Error" (server "", type "text/html")`,
			next:    "let the issuer sign with an RSA key"},
		"PS256": {change: func(s *scene) { s.by = oidctest.PS256 }, cause: federation.CauseAlgorithm,
			problem: `the token is signed with "PS256", and Quay takes RS256 and RS384 alone`,
			proof:   `GET /oauth2/federation/robot/token: 400 Bad Request "Invalid token: The specified alg value is not allowed"`,
			next:    "let the issuer sign with an RSA key"},
		"no robot": {change: func(s *scene) { s.robot = "team-a+none" }, cause: federation.CauseNoRobot, from: "team-a+none",
			problem: "Quay has no such robot", proof: `GET /oauth2/federation/robot/token: 400 Bad Request "Could not find robot with specified username"`,
			next: "correct the robot's name, or create the robot in Quay"},
		"no federation": {change: func(s *scene) { s.quay.SetFederation(robot) }, cause: federation.CauseNoFederation,
			problem: "the robot trusts no issuer", proof: `GET /oauth2/federation/robot/token: 400 Bad Request "Robot does not have federated login configured"`,
			next: `give the robot issuer "ISSUER" and subject "` + subject + `" in Quay: Robot accounts, Set robot federation`},
		"another issuer": {change: func(s *scene) { s.claims["iss"] = s.issuer.URL() + "/" }, cause: federation.CauseIssuer,
			problem: `the robot does not trust issuer "ISSUER/"`, proof: `GET /oauth2/federation/robot/token: 400 Bad Request "issuer ISSUER/ not configured for this robot"`,
			next: `give the robot that issuer and subject "` + subject + `" in Quay: Robot accounts, Set robot federation; each character counts, also a slash at the end`},
		"an issuer with Quay's words": {change: func(s *scene) { s.claims["iss"] = "https://Could not find robot" }, cause: federation.CauseIssuer,
			problem: `the robot does not trust issuer "https://Could not find robot"`,
			proof:   `GET /oauth2/federation/robot/token: 400 Bad Request "issuer https://Could not find robot not configured for this robot"`,
			next:    `give the robot that issuer and subject "` + subject + `" in Quay: Robot accounts, Set robot federation; each character counts, also a slash at the end`},
		"another subject": {change: func(s *scene) { s.claims["sub"] = "repo:team-a/app:ref:refs/heads/feature" }, cause: federation.CauseSubject,
			problem: `the robot trusts issuer "ISSUER", and there not subject "repo:team-a/app:ref:refs/heads/feature"`,
			proof:   `GET /oauth2/federation/robot/token: 400 Bad Request "Token does not match robot"`,
			next:    "give the robot that subject in Quay, each character of it; what CI writes there depends on the branch, the tag or the environment of the run"},
		"another audience": {change: func(s *scene) {
			s.quay.SetFederation(robot, quaytest.Federation{Issuer: s.issuer.URL(), Subject: subject, Audiences: []string{"registry"}})
		}, cause: federation.CauseAudience,
			problem: "the robot does not trust the token's audience", proof: `GET /oauth2/federation/robot/token: 400 Bad Request "Invalid token: Audience doesn't match"`,
			next: "ask the issuer for a token of the audience that the robot's federation in Quay has"},
		"expired": {change: func(s *scene) { s.claims["exp"] = past.Unix() }, cause: federation.CauseExpired,
			problem: "the token expired at " + moment(past), proof: `GET /oauth2/federation/robot/token: 400 Bad Request "Invalid token: Signature has expired"`,
			next: "ask the issuer for a token right before the push; if it was made just now, compare the clocks of the issuer and of Quay, which may differ by 30 s"},
		"of the future": {change: func(s *scene) { s.claims["iat"] = future.Unix() }, cause: federation.CauseClock,
			problem: "the token was issued at " + moment(future) + ", which is in the future for Quay",
			proof:   `GET /oauth2/federation/robot/token: 400 Bad Request "Invalid token: Issued At claim (iat) cannot be in the future."`,
			next:    "compare the clocks of the issuer and of Quay: they may differ by 30 s"},
		"another key": {change: func(s *scene) { s.by = oidctest.Forged }, cause: federation.CauseSignature,
			problem: `the token is not signed by key "rsa-1" of issuer "ISSUER"`, proof: `GET /oauth2/federation/robot/token: 400 Bad Request "Invalid token: Signature verification failed"`,
			next: "see whether the issuer made this token; if so, its key set is old: a new key needs a new name"},
		"an issuer with another name": {change: func(s *scene) {
			s.issuer.Answer(oidctest.DiscoveryPath, func(w http.ResponseWriter, _ *http.Request) {
				w.Write([]byte(`{"issuer":"https://x.example.com"}`))
			})
		}, cause: federation.CauseIssuerDocument,
			problem: `issuer "ISSUER" calls itself something else`,
			proof:   `GET /oauth2/federation/robot/token: 400 Bad Request "Invalid token: Issuer 'ISSUER' not in configured issuers: ['https://x.example.com']"`,
			next:    "let the field issuer of ISSUER/.well-known/openid-configuration be that of its tokens"},
		"an issuer without TLS": {change: func(s *scene) {
			s.claims["iss"] = "http://issuer.example.com"
			s.quay.SetFederation(robot, quaytest.Federation{Issuer: "http://issuer.example.com", Subject: subject})
		}, cause: federation.CauseIssuerDocument,
			problem: `issuer "http://issuer.example.com" is without https`,
			proof:   `GET /oauth2/federation/robot/token: 500 Internal Server Error "Internal Server Error Internal Server Error" (server "", type "text/html")`,
			next:    "let the issuer have an address with https: Quay asks no other"},
		"an issuer that is away": {change: func(s *scene) { s.issuer.Stop() }, cause: federation.CauseUnverified, passing: true,
			problem: `Quay could not verify the token of issuer "ISSUER"`,
			proof:   `GET /oauth2/federation/robot/token: 500 Internal Server Error "Internal Server Error Internal Server Error" (server "", type "text/html") (tried 3 times)`,
			next: "see from Quay's own host that ISSUER/.well-known/openid-configuration answers within 5 s with a certificate that Quay trusts (extra_ca_certs), " +
				`and that the RSA key "rsa-1" is in its jwks_uri; Quay's log has the reason`},
		"a key that the issuer does not name": {change: func(s *scene) { s.by = oidctest.Unpublished }, cause: federation.CauseUnverified, passing: true,
			problem: `Quay could not verify the token of issuer "ISSUER"`,
			proof:   `GET /oauth2/federation/robot/token: 500 Internal Server Error "Internal Server Error Internal Server Error" (server "", type "text/html") (tried 3 times)`,
			next: "see from Quay's own host that ISSUER/.well-known/openid-configuration answers within 5 s with a certificate that Quay trusts (extra_ca_certs), " +
				`and that the RSA key "rsa-2" is in its jwks_uri; Quay's log has the reason`},
		"another refusal": {change: func(s *scene) { s.broken(words("Invalid token: jti is used up")) }, cause: federation.CauseRefused,
			problem: `Quay does not take the token of issuer "ISSUER"`, proof: `GET /oauth2/federation/robot/token: 400 Bad Request "Invalid token: jti is used up"`,
			next: "see in the proof what Quay has against the token"},
		"no header": {change: func(s *scene) { s.Client = without(s.Client) }, cause: federation.CauseRefused,
			problem: "Quay did not get the robot's name with a token", proof: `GET /oauth2/federation/robot/token: 401 Unauthorized "No auth header"`,
			next: "see whether something in front of Quay takes the Authorization header away or changes it"},
		"an older Quay": {change: func(s *scene) { s.quay.SetBearerLogin(false) }, cause: federation.CauseTooOld,
			problem: "there is no such exchange", proof: `GET /oauth2/federation/robot/token: 404 Not Found "404 Not Found Not Found The requested URL was not found on the server. ` +
				`If you entered the URL manually please check your spelling and try again." (server "", type "text/html; charset=utf-8")`,
			next: "look at https://QUAY/config for version_number: Quay exchanges tokens since 3.13; where it is newer, " + notQuay},
		"a login page": {change: func(s *scene) {
			s.broken(quaytest.Status(200, http.Header{"Content-Type": {"text/html"}, "Server": {"sso"}}, "<html><b>Log in</b>"))
		}, cause: federation.CauseForeign,
			problem: "the answer is not one of Quay's", proof: `GET /oauth2/federation/robot/token: 200 OK "Log in" (server "sso", type "text/html")`, next: notQuay},
		"another document": {change: func(s *scene) {
			s.broken(quaytest.Status(200, http.Header{"Content-Type": {"application/json"}}, `{"access_token":"hidden"}`))
		}, cause: federation.CauseForeign,
			problem: "the answer is not one of Quay's", proof: `GET /oauth2/federation/robot/token: 200 OK (server "", type "application/json")`, next: notQuay},
		"Quay is busy": {change: func(s *scene) { s.broken(quaytest.Status(429, nil, "")) }, cause: federation.CauseBusy, passing: true,
			problem: "Quay asks to wait", proof: `GET /oauth2/federation/robot/token: 429 Too Many Requests "429 Too Many Requests 429 Too Many Requests nginx" (server "", type "text/html") (tried 5 times)`, next: "run it again later"},
		"Quay is away behind its proxy": {change: func(s *scene) { s.broken(quaytest.Status(502, http.Header{"Server": {"nginx"}}, "")) }, cause: federation.CauseAway, passing: true,
			problem: "Quay is away", proof: `GET /oauth2/federation/robot/token: 502 Bad Gateway "502 Bad Gateway 502 Bad Gateway nginx" (server "nginx", type "text/html") (tried 5 times)`,
			next: "see whether Quay runs behind its proxy, then run it again"},
		"Quay is away": {change: func(s *scene) { s.Base = &url.URL{Scheme: "https", Host: "127.0.0.1:1"} }, cause: federation.CauseUnreachable, passing: true,
			problem: "Quay does not answer", proof: "GET /oauth2/federation/robot/token: dial tcp 127.0.0.1:1: connect: connection refused (tried 5 times)",
			next: "see whether Quay runs and can be reached from here, then run it again"},
		"a certificate": {change: func(s *scene) { s.Client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{}}} }, cause: federation.CauseCertificate,
			problem: "the certificate of QUAY is not trusted here", proof: "GET /oauth2/federation/robot/token: tls: failed to verify certificate: x509: certificate signed by unknown authority",
			next: "trust the authority that signed it; where the address is wrong, correct that"},
		"a proxy": {change: func(s *scene) { s.Client = refusing(t, 403) }, cause: federation.CauseProxy,
			problem: "a proxy does not let the request through", proof: "GET /oauth2/federation/robot/token: the proxy AT answered CONNECT with 403 Forbidden",
			next: "ask who runs the proxy to allow QUAY, or put that host into NO_PROXY"},
		"a proxy that wants a password": {change: func(s *scene) { s.Client = refusing(t, 407) }, cause: federation.CauseProxy,
			problem: "a proxy does not let the request through", proof: "GET /oauth2/federation/robot/token: the proxy AT answered CONNECT with 407 Proxy Authentication Required",
			next: "give user and password of the proxy in HTTPS_PROXY, percent-encoded, or put QUAY into NO_PROXY"},
		"a proxy that fails": {change: func(s *scene) { s.Client = refusing(t, 502) }, cause: federation.CauseProxy, passing: true,
			problem: "a proxy does not let the request through", proof: "GET /oauth2/federation/robot/token: the proxy AT answered CONNECT with 502 Bad Gateway (tried 5 times)",
			next: "see whether QUAY can be reached from the proxy, then run it again"},
	} {
		t.Run(name, func(t *testing.T) {
			q, i, e := start(t)
			s := &scene{quay: q, issuer: i, Exchanger: e, robot: robot, by: oidctest.RS256, claims: i.Claims(subject)}
			test.change(s)
			token := secret.New(oidctest.Sign(s.by, s.claims))
			switch s.token {
			case "":
			case "(none)":
				token = secret.Value{}
			default:
				token = secret.New(s.token)
			}
			got, expires, err := s.Exchange(t.Context(), s.robot, token)
			failed := (*federation.Error)(nil)
			if !errors.As(err, &failed) || !got.IsZero() || !expires.IsZero() {
				t.Fatalf("error is %v", err)
			}
			hosts := strings.NewReplacer("ISSUER", i.URL(), "QUAY", s.Base.Host)
			if through, ok := s.Client.Transport.(*http.Transport); ok && through.Proxy != nil {
				address, _ := through.Proxy(nil)
				hosts = strings.NewReplacer("QUAY", s.Base.Host, "the proxy AT", "the proxy "+address.Host)
			}
			if test.from == "" {
				test.from = robot
			}
			want := federation.Error{Cause: test.cause, Problem: fmt.Sprintf("exchanging a token for robot %q at %s: ", test.from, s.Base.Host) + hosts.Replace(test.problem),
				Proof: hosts.Replace(test.proof), Next: hosts.Replace(test.next)}
			if failed.Cause != want.Cause || failed.Passing() != test.passing {
				t.Errorf("cause is %q, passing %t, want %q", failed.Cause, failed.Passing(), want.Cause)
			}
			for what, pair := range map[string][2]string{"problem": {failed.Problem, want.Problem}, "proof": {failed.Proof, want.Proof}, "next step": {failed.Next, want.Next}} {
				if pair[0] != pair[1] {
					t.Errorf("the %s is\n%s\nwant\n%s", what, pair[0], pair[1])
				}
			}
			if text := failed.Error(); !token.IsZero() && strings.Contains(text, token.Reveal()) || !strings.HasPrefix(text, failed.Problem) || !strings.HasSuffix(text, "; "+failed.Next) {
				t.Errorf("the error is %s", text)
			}
			seen = append(seen, failed.Next)
		})
	}
	nexttest.Check(t, seen, "exchange.go", "explain.go")
}

// without is client without the Authorization header.
func without(client *http.Client) *http.Client {
	return &http.Client{Transport: stripping{client.Transport}}
}

type stripping struct{ http.RoundTripper }

func (s stripping) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Del("Authorization")
	return s.RoundTripper.RoundTrip(r)
}

// refusing is a client whose proxy answers every CONNECT with status.
func refusing(t *testing.T, status int) *http.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	t.Cleanup(server.Close)
	return &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(parse(t, server.URL)), OnProxyConnectResponse: proxy.Connected}}
}
