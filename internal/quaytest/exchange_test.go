package quaytest_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/comptech-lab/quay-push/internal/oidctest"
	"github.com/comptech-lab/quay-push/internal/quaytest"
)

const subject = "repo:team-a/app:ref:refs/heads/main"

// federated starts a Quay whose robot team-a+ci trusts an issuer with subject.
func federated(t *testing.T) (*quaytest.Quay, *oidctest.Issuer) {
	t.Helper()
	q, _ := start(t)
	i := oidctest.Start(t)
	q.TrustIssuers(i.Authorities())
	q.SetFederation("team-a+ci", quaytest.Federation{Issuer: i.URL(), Subject: subject})
	return q, i
}

// exchange asks for a token of robot for an issuer's.
func exchange(t *testing.T, q *quaytest.Quay, robot, token string) answer {
	t.Helper()
	return (&client{t: t, q: q}).do(http.MethodGet, "/oauth2/federation/robot/token", "", "Authorization", basic(robot, token))
}

// The exchanged token is the robot's password for an hour, and is logged.
func TestExchange(t *testing.T) {
	q, i := federated(t)
	got := exchange(t, q, "team-a+ci", i.Token(subject))
	got.want(t, http.StatusOK, `{"token":"`)
	password := bearerOf(t, got)
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(password, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		Iss, Sub, Aud string
		Iat, Exp      int64
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	if claims.Iss != "quay" || claims.Sub != "team-a+ci" || claims.Aud != q.Host() || claims.Exp-claims.Iat != 3600 {
		t.Errorf("claims are %+v", claims)
	}
	login(t, q, "team-a+ci", password, push).do(http.MethodPost, "/v2/team-a/app/blobs/uploads/", "").want(t, http.StatusAccepted, "")
	askToken(t, q, "team-a+other", password).want(t, http.StatusUnauthorized, "")
	log := admin(t, q).do(http.MethodGet, "/api/v1/organization/team-a/logs", "")
	log.want(t, http.StatusOK, `"kind":"federated_robot_token_exchange","metadata":{"issuer":"`+i.URL()+`","robot":"ci","subject":"`+subject+`"}`)
	if strings.Contains(log.body, `"performer"`) {
		t.Errorf("the log has a performer: %s", log.body)
	}
	// Used up, nobody catches it.
	q.Advance(3631 * time.Second)
	buy(t, q, password).want(t, http.StatusInternalServerError, "Internal Server Error")
}

// Each exchange asks the issuer anew, once for what it says of itself and once for its keys; a refused token is held against new keys.
func TestExchangeAsksTheIssuer(t *testing.T) {
	q, i := federated(t)
	for by, want := range map[oidctest.Signer][]string{
		oidctest.RS256:  {oidctest.DiscoveryPath, oidctest.KeysPath},
		oidctest.Forged: {oidctest.DiscoveryPath, oidctest.KeysPath, oidctest.KeysPath},
	} {
		before := len(i.Requests())
		exchange(t, q, "team-a+ci", oidctest.Sign(by, i.Claims(subject)))
		if got := i.Requests()[before:]; !slices.Equal(got, want) {
			t.Errorf("%s: the issuer was asked for %q, want %q", by, got, want)
		}
	}
}

// A signature is good by an RSA key that the issuer names, with SHA-256 or SHA-384.
func TestExchangeVerifiesTheSignature(t *testing.T) {
	q, i := federated(t)
	for by, want := range map[oidctest.Signer]struct {
		status int
		text   string
	}{
		oidctest.RS256:  {200, "token"},
		oidctest.RS384:  {200, "token"},
		oidctest.PS256:  {400, `{"message":"Invalid token: The specified alg value is not allowed"}`},
		oidctest.Forged: {400, `{"message":"Invalid token: Signature verification failed"}`},
		// What is no reason for a refusal to Quay is a crash.
		oidctest.Nameless:    {400, `{"message":"Invalid token: Missing` + " `kid` " + `header"}`},
		oidctest.ES256:       {500, "Internal Server Error"},
		oidctest.Unpublished: {500, "Internal Server Error"},
	} {
		t.Log(by)
		exchange(t, q, "team-a+ci", oidctest.Sign(by, i.Claims(subject))).want(t, want.status, want.text)
	}
	for change, want := range map[string]string{"iat": `Token is missing the \"iat\" claim`, "nothing": "Signature verification failed"} {
		claims := i.Claims(subject)
		delete(claims, change)
		exchange(t, q, "team-a+ci", oidctest.Sign(oidctest.Forged, claims)).want(t, 400, want)
	}
	token := i.Token(subject)
	exchange(t, q, "team-a+ci", token[:len(token)-6]+"AAAAAA").want(t, 400, "Signature verification failed")
	for _, none := range []string{"", "SECRET", "a.b.c", token + ".x", "e30.e30", "e30.W10.e30"} {
		exchange(t, q, "team-a+ci", none).want(t, 500, "Internal Server Error")
	}
}

// The claims are those of a token that is good now, with half a minute between the clocks.
func TestExchangeVerifiesTheClaims(t *testing.T) {
	q, i := federated(t)
	for name, test := range map[string]struct {
		// change are other values of claims: a duration is the time so long after the token is made, nil takes the claim out.
		change map[string]any
		status int
		text   string
	}{
		"expired":            {map[string]any{"exp": -31 * time.Second}, 400, "Invalid token: Signature has expired"},
		"expired a moment":   {map[string]any{"exp": -5 * time.Second}, 200, "token"},
		"of the future":      {map[string]any{"iat": time.Minute}, 400, "Invalid token: Issued At claim (iat) cannot be in the future."},
		"of the next moment": {map[string]any{"iat": 25 * time.Second}, 200, "token"},
		"nbf of the future":  {map[string]any{"nbf": time.Hour}, 200, "token"},
		"without exp":        {map[string]any{"exp": nil}, 400, `Invalid token: Token is missing the \"exp\" claim`},
		"without iat":        {map[string]any{"iat": nil}, 400, `Invalid token: Token is missing the \"iat\" claim`},
		"exp is a word":      {map[string]any{"exp": "never"}, 400, "Expiration Time claim (exp) must be an integer."},
		"iat is a word":      {map[string]any{"iat": "never"}, 400, "Issued At claim (iat) must be an integer."},
		"exp is a text":      {map[string]any{"exp": "99999999999"}, 200, "token"},
		"without sub":        {map[string]any{"sub": nil}, 400, `{"message":"Token does not match robot"}`},
		"another sub":        {map[string]any{"sub": subject + "x"}, 400, `{"message":"Token does not match robot"}`},
		"jti is a number":    {map[string]any{"jti": 7}, 400, "JWT ID must be a string"},
		"sub is a number":    {map[string]any{"sub": 7}, 400, "Subject must be a string"},
		"any audience":       {map[string]any{"aud": "elsewhere"}, 200, "token"},
		"no audience":        {map[string]any{"aud": nil}, 200, "token"},
		"without iss":        {map[string]any{"iss": nil}, 400, `{"message":"Token does not contain issuer"}`},
		"iss is empty":       {map[string]any{"iss": ""}, 400, `{"message":"Token does not contain issuer"}`},
		"iss is a number":    {map[string]any{"iss": 7}, 400, `{"message":"issuer 7 not configured for this robot"}`},
		"another iss":        {map[string]any{"iss": "https://other.example.com"}, 400, `{"message":"issuer https://other.example.com not configured for this robot"}`},
		"iss with a slash":   {map[string]any{"iss": i.URL() + "/"}, 400, `{"message":"issuer ` + i.URL() + `/ not configured for this robot"}`},
	} {
		t.Run(name, func(t *testing.T) {
			claims := i.Claims(subject)
			for claim, value := range test.change {
				claims[claim] = value
				if after, ok := value.(time.Duration); ok {
					claims[claim] = time.Now().Add(after).Unix()
				}
				if value == nil {
					delete(claims, claim)
				}
			}
			exchange(t, q, "team-a+ci", oidctest.Sign(oidctest.RS256, claims)).want(t, test.status, test.text)
		})
	}
}

// Whoever comes needs a robot's name, and the robot an issuer.
func TestExchangeTakesARobot(t *testing.T) {
	q, i := federated(t)
	q.AddRobot("team-a", "other")
	token := i.Token(subject)
	exchange(t, q, "team-a+other", token).want(t, 400, `{"message":"Robot does not have federated login configured"}`)
	exchange(t, q, "team-a+none", token).want(t, 400, `{"message":"Could not find robot with specified username"}`)
	exchange(t, q, "team-a", token).want(t, 401, `{"error":"Invalid robot"}`)
	c := &client{t: t, q: q}
	const path = "/oauth2/federation/robot/token"
	c.do(http.MethodGet, path, "").want(t, 401, `{"error":"No auth header"}`)
	for header, want := range map[string]string{"Bearer " + token: "Invalid basic auth header", "Basic a b": "Invalid basic auth header",
		"Basic -": "Could not parse basic auth header", "Basic dGVhbQ==": "Unexpected number of credentials found in basic auth header"} {
		c.do(http.MethodGet, path, "", "Authorization", header).want(t, 401, `{"error":"`+want+`"}`)
	}
	c.do(http.MethodPost, path, "").wantHeader(t, "Allow", "GET, HEAD, OPTIONS")
	q.SetBearerLogin(false)
	exchange(t, q, "team-a+ci", token).want(t, 404, "Not Found")
}

// An issuer that Quay cannot ask is a crash; one that calls itself something else is refused, but for a slash.
func TestExchangeWithAnIssuerThatFails(t *testing.T) {
	q, i := federated(t)
	say := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(body)) }
	}
	token := i.Token(subject)
	for name, test := range map[string]struct {
		path   string
		answer http.HandlerFunc
		status int
		text   string
	}{
		"no document":      {oidctest.DiscoveryPath, http.NotFound, 500, ""},
		"a page":           {oidctest.DiscoveryPath, say("<html>"), 500, ""},
		"no keys":          {oidctest.KeysPath, http.NotFound, 500, ""},
		"no place of keys": {oidctest.DiscoveryPath, say(`{"issuer":"` + i.URL() + `"}`), 500, ""},
		"another key":      {oidctest.KeysPath, say(`{"keys":[{"kty":"RSA","kid":"x","n":"AQAB","e":"AQAB"}]}`), 500, ""},
		"another name": {oidctest.DiscoveryPath, say(`{"issuer":"https://x.example.com","jwks_uri":"` + i.URL() + `/keys"}`), 400,
			`Invalid token: Issuer '` + i.URL() + `' not in configured issuers: ['https://x.example.com']`},
		"a slash more": {oidctest.DiscoveryPath, say(`{"issuer":"` + i.URL() + `/","jwks_uri":"` + i.URL() + `/keys"}`), 200, "token"},
		"no name":      {oidctest.DiscoveryPath, say(`{"jwks_uri":"` + i.URL() + `/keys"}`), 200, "token"},
	} {
		i.Answer(test.path, test.answer)
		t.Log(name)
		exchange(t, q, "team-a+ci", token).want(t, test.status, test.text)
		i.Answer(test.path, nil)
	}
	q.TrustIssuers(nil)
	exchange(t, q, "team-a+ci", token).want(t, 500, "Internal Server Error")
	q.TrustIssuers(i.Authorities())
	exchange(t, q, "team-a+ci", token).want(t, 200, "token")
	plain := "http" + strings.TrimPrefix(i.URL(), "https")
	q.SetFederation("team-a+ci", quaytest.Federation{Issuer: plain, Subject: subject})
	claims := i.Claims(subject)
	claims["iss"] = plain
	exchange(t, q, "team-a+ci", oidctest.Sign(oidctest.RS256, claims)).want(t, 500, "Internal Server Error")
	q.SetFederation("team-a+ci", quaytest.Federation{Issuer: i.URL(), Subject: subject})
	i.Stop()
	exchange(t, q, "team-a+ci", token).want(t, 500, "Internal Server Error")
}

// The subjects of one issuer are one pool; the last audiences that an entry has are those of all.
func TestExchangePoolsEntries(t *testing.T) {
	q, i := federated(t)
	q.SetFederation("team-a+ci", quaytest.Federation{Issuer: i.URL(), Subject: "one", Audiences: []string{"first"}},
		quaytest.Federation{Issuer: "https://other.example.com", Subject: "three"},
		quaytest.Federation{Issuer: i.URL(), Subject: "two", Audiences: []string{"second", "third"}},
		quaytest.Federation{Issuer: i.URL(), Subject: "four"})
	for _, test := range []struct {
		subject  string
		audience any
		status   int
		text     string
	}{
		{"one", "second", 200, "token"},
		{"two", []string{"x", "third"}, 200, "token"},
		{"four", "second", 200, "token"},
		{"one", "first", 400, "Invalid token: Audience doesn't match"},
		{"three", "second", 400, "Token does not match robot"},
		{"one", nil, 400, `Token is missing the \"aud\" claim`},
		{"one", []any{"second", 7}, 400, "Invalid claim format in token"},
		{"one", 7, 400, "Invalid claim format in token"},
	} {
		claims := i.Claims(test.subject)
		claims["aud"] = test.audience
		t.Logf("%+v", test)
		exchange(t, q, "team-a+ci", oidctest.Sign(oidctest.RS256, claims)).want(t, test.status, test.text)
	}
}
