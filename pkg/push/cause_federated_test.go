package push_test

import (
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/comptech-lab/quay-push/internal/oidctest"
	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// federating is a cause where the credential comes from an issuer's token; set changes the push, or the issuer.
func federating(name string, set func(f *fixture, i *oidctest.Issuer), class failure.Class, problem, proof, next string) cause {
	return cause{name, func(f *fixture) { set(f, f.federate()) }, class, problem, proof, next}
}

// signed hands over a token that is signed by, or whose claims were changed.
func signed(by oidctest.Signer, change func(claims map[string]any)) func(f *fixture, i *oidctest.Issuer) {
	return func(f *fixture, i *oidctest.Issuer) {
		claims := i.Claims(subject)
		if change != nil {
			change(claims)
		}
		f.hand(oidctest.Sign(by, claims))
	}
}

// federatedCauses are failures with a token of an issuer: of the flags, of the file, of the exchange, and after it.
var federatedCauses = []cause{
	federating("no robot is named", func(f *fixture, _ *oidctest.Issuer) { f.opts.Robot = "" }, failure.ClassUsage,
		"--robot is missing, ORG+NAME: --federated-token-file alone does not say whose token Quay is to give", "", "correct the flag"),
	federating("no file is named", func(f *fixture, _ *oidctest.Issuer) { f.opts.FederatedTokenFile = "" }, failure.ClassUsage,
		"--robot is for --federated-token-file, which is missing", "", "correct the flag"),
	federating("no robot", func(f *fixture, _ *oidctest.Issuer) { f.opts.Robot = "ci" }, failure.ClassUsage,
		`--robot "ci" is not the name of a robot, ORG+NAME`, "", "correct the flag"),
	federating("a dockerconfig", func(f *fixture, _ *oidctest.Issuer) { f.opts.Dockerconfig = f.layout }, failure.ClassUsage,
		"--federated-token-file and --dockerconfig (param dockerconfig-secret) exclude each other", "", "correct the flag"),
	federating("no TLS", func(f *fixture, _ *oidctest.Issuer) { f.opts.PlainHTTP = true }, failure.ClassUsage,
		"--federated-token-file and --plain-http exclude each other: the tokens would be sent readable", "", "correct the flag"),
	federating("a token service elsewhere", func(f *fixture, _ *oidctest.Issuer) { f.opts.TokenHost = "auth.example.com" }, failure.ClassUsage,
		"--federated-token-file and --token-host exclude each other: Quay alone exchanges tokens", "", "correct the flag"),
	federating("a robot of another team", func(f *fixture, _ *oidctest.Issuer) { f.opts.Robot = "team-b+ci" }, failure.ClassOtherOrganization,
		`robot "team-b+ci" cannot push to organization "team-a"`, `in its own organization alone, "team-b"; --robot`, "name a robot of organization team-a in --robot"),

	federating("no file", func(f *fixture, _ *oidctest.Issuer) { f.opts.FederatedTokenFile = "/none" }, failure.ClassNoCredential,
		"the issuer's token cannot be read", "open /none: no such file", "let CI write its OIDC token to the file that --federated-token-file names"),
	federating("a directory", func(f *fixture, _ *oidctest.Issuer) { f.opts.FederatedTokenFile = f.layout }, failure.ClassNoCredential,
		"the issuer's token cannot be read", "is a directory", "name a file in --federated-token-file that has the token alone"),
	federating("a file that may not be read", func(f *fixture, _ *oidctest.Issuer) {
		if err := os.Chmod(f.opts.FederatedTokenFile, 0); err != nil {
			f.t.Fatal(err)
		}
		f.reachable()
		f.opts.ResultsDir = ""
		unprivileged(f.t)
	}, failure.ClassNoCredential, "the issuer's token cannot be read", "permission denied", "as which push-image runs, read the file"),
	federating("an empty file", func(f *fixture, _ *oidctest.Issuer) { f.hand("") }, failure.ClassNoCredential,
		"the issuer gave no token", "is empty", "the permission id-token: write, with GitLab id_tokens"),
	federating("a large file", func(f *fixture, _ *oidctest.Issuer) { f.hand(strings.Repeat("x", 65<<10)) }, failure.ClassNoCredential,
		"the issuer's token is too large", "has more than 65536 bytes", "name a file in --federated-token-file that has the token alone"),
	federating("a robot's token", func(f *fixture, _ *oidctest.Issuer) { f.hand(strings.Repeat("A1", 32)) }, failure.ClassNoCredential,
		"the token is not a JWT", "", "give the token that the issuer made for this run, three parts with dots between them, and nothing else, in --federated-token-file"),

	federating("a wrong key", signed(oidctest.Forged, nil), failure.ClassCredentialRefused,
		`the token is not signed by key "rsa-1" of issuer "https://127.0.0.1:`, `400 Bad Request "Invalid token: Signature verification failed"`, "see whether the issuer made this token"),
	federating("a key that the issuer does not name", signed(oidctest.Unpublished, nil), failure.ClassUnavailable,
		`Quay could not verify the token of issuer "https://127.0.0.1:`, "500 Internal Server Error", `that the RSA key "rsa-2" is in its jwks_uri`),
	federating("a wrong subject", signed(oidctest.RS256, func(claims map[string]any) { claims["sub"] = "repo:team-a/app:pull_request" }), failure.ClassCredentialRefused,
		`and there not subject "repo:team-a/app:pull_request"`, `400 Bad Request "Token does not match robot"`, "give the robot that subject in Quay"),
	federating("a wrong issuer", signed(oidctest.RS256, func(claims map[string]any) { claims["iss"] = "https://gitlab.example.com" }), failure.ClassCredentialRefused,
		`exchanging a token for robot "team-a+ci" at HOST: the robot does not trust issuer "https://gitlab.example.com"`, `"issuer https://gitlab.example.com not configured for this robot"`,
		"each character counts, also a slash at the end"),
	federating("expired", signed(oidctest.RS256, func(claims map[string]any) { claims["exp"] = time.Now().Add(-time.Minute).Unix() }), failure.ClassCredentialRefused,
		"the token expired at ", `400 Bad Request "Invalid token: Signature has expired"`, "ask the issuer for a token right before the push"),
	federating("ES256", signed(oidctest.ES256, nil), failure.ClassCredentialRefused,
		`the token is signed with "ES256", and Quay takes RS256 and RS384 alone`, "500 Internal Server Error", "let the issuer sign with an RSA key"),
	federating("the issuer is away", func(_ *fixture, i *oidctest.Issuer) { i.Stop() }, failure.ClassUnavailable,
		`Quay could not verify the token of issuer "https://127.0.0.1:`, "(tried 3 times)", "/.well-known/openid-configuration answers within 5 s with a certificate that Quay trusts"),
	federating("Quay does not trust the issuer's certificate", func(f *fixture, _ *oidctest.Issuer) { f.TrustIssuers(nil) }, failure.ClassUnavailable,
		`Quay could not verify the token of issuer "https://127.0.0.1:`, "500 Internal Server Error", "(extra_ca_certs)"),
	federating("Quay is away", func(f *fixture, _ *oidctest.Issuer) { play("GET", onExchange, quaytest.Status(503, nil, ""))(f) }, failure.ClassUnavailable,
		"Quay is away", "503 Service Unavailable", "see whether Quay runs behind its proxy"),
	federating("Quay cannot be reached", func(f *fixture, _ *oidctest.Issuer) { f.opts.ImageRef = nobody(f) + "/team-a/app" }, failure.ClassNetwork,
		"Quay does not answer", "connection refused", "see whether Quay runs and can be reached from here"),
	federating("Quay is busy", func(f *fixture, _ *oidctest.Issuer) { play("GET", onExchange, quaytest.Status(429, nil, ""))(f) }, failure.ClassRateLimited,
		"Quay asks to wait", "429 Too Many Requests", "run it again later"),
	federating("the time is over before Quay is back", func(f *fixture, _ *oidctest.Issuer) {
		f.opts.Timeout, f.opts.RetryPause = 4*time.Second, 30*time.Second
		play("GET", onExchange, quaytest.Status(503, nil, ""))(f)
	}, failure.ClassUnavailable, "Quay is away, and --timeout is over", "503 Service Unavailable", "see whether Quay runs behind its proxy"),
	federating("an older Quay", func(f *fixture, _ *oidctest.Issuer) { f.SetBearerLogin(false) }, failure.ClassProtocol,
		"there is no such exchange", "404 Not Found", "Quay exchanges tokens since 3.13"),
	federating("a login page", func(f *fixture, _ *oidctest.Issuer) { play("GET", onExchange, webPage(200))(f) }, failure.ClassProtocol,
		"the answer is not one of Quay's", `200 OK "Request Rejected Your support ID is 1234." (server "BigIP"`, "such as a login, a firewall or a proxy"),
	federating("a certificate of Quay", func(f *fixture, _ *oidctest.Issuer) { f.opts.CAFile = "" }, failure.ClassCertificate,
		"the certificate of HOST is not trusted here", "certificate signed by unknown authority", "give the authority that signed it in --ca-file"),
	federating("the robot is unknown", func(f *fixture, _ *oidctest.Issuer) { f.opts.Robot = "team-a+none" }, failure.ClassCredentialRefused,
		`exchanging a token for robot "team-a+none" at HOST: Quay has no such robot`, `400 Bad Request "Could not find robot with specified username"`, "or create the robot in Quay, in --robot"),
	federating("the robot trusts nobody", func(f *fixture, _ *oidctest.Issuer) { f.SetFederation("team-a+ci") }, failure.ClassCredentialRefused,
		"the robot trusts no issuer", "Robot does not have federated login configured", `and subject "`+subject+`" in Quay: Robot accounts, Set robot federation`),

	federating("the robot has no right", func(f *fixture, _ *oidctest.Issuer) { f.Revoke("team-a/app", "team-a+ci") }, failure.ClassNoAccess,
		`or robot "team-a+ci" has no right on it`, "its token, bought with the exchanged token, has []", "give the robot Write on it"),
	federating("the robot is deleted after the exchange", func(f *fixture, _ *oidctest.Issuer) {
		f.Faults.Add(quaytest.Fault{Name: "deleted", Path: onExchange, Effect: afterwards(func() { f.DeleteRobot("team-a+ci") })})
	}, failure.ClassCredentialRefused, `robot "team-a+ci" was deleted`, "Could not find robot", "create the robot again, with its federation and its rights, or name another one in --robot"),
	federating("another part of Quay does not know it", func(f *fixture, _ *oidctest.Issuer) { play("GET", "^/v2/auth$", says(401, "UNAUTHORIZED", "no"))(f) }, failure.ClassCredentialRefused,
		`does not know robot "team-a+ci" with the token that it exchanged before`, "401 Unauthorized", "nothing is wrong with the issuer's token"),
}

// afterwards does something when the answer is out.
func afterwards(do func()) quaytest.Effect {
	return func(_ *quaytest.Quay, w http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(w, r)
		do()
	}
}

// nobody is a host that nothing listens at.
func nobody(f *fixture) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
