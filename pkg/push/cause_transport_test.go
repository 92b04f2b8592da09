package push_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"time"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// certificateCauses are servers that cannot be trusted.
var certificateCauses = []cause{
	{"an authority that nobody gave", func(f *fixture) { f.opts.CAFile = "" }, failure.ClassCertificate, "of HOST is signed by an authority that is not trusted here", "x509", "in --ca-file or SSL_CERT_DIR (key ca-bundle.crt of the ConfigMap config-trusted-cabundle)"},
	{"another authority", func(f *fixture) { f.opts.CAFile = quaytest.Start(f.t).CAFile() }, failure.ClassCertificate, "neither in --ca-file nor one of the system's", "x509", "openssl s_client -connect HOST -showcerts"},
	{"expired", certified(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Hour) }), failure.ClassCertificate, "or one that signed it, has expired", "is after", "renew the certificate"},
	{"not valid yet", certified(func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour) }), failure.ClassCertificate, "is not valid yet", "is before", "the node's clock says"},
	{"another name", certified(func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"quay.test"} }), failure.ClassCertificate, "is for another name", "x509", `name the registry in --image-ref (param image-ref) as its certificate does, or let the certificate be issued for "127.0.0.1", too: it is for ["quay.test"]`},
	{"another address", certified(func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(192, 0, 2, 1)} }), failure.ClassCertificate, "is for another name", "x509", `["192.0.2.1"]`},
	{"no name", certified(func(c *x509.Certificate) { c.IPAddresses = nil }), failure.ClassCertificate, "is for another name", "x509", "with a subjectAltName"},
	{"for clients alone", certified(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }), failure.ClassCertificate, "is not valid", "incompatible key usage", "issue the certificate"},
	{"another name of the token service", func(f *fixture) {
		ca := f.opts.CAFile
		certified(func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"quay.test"} })(f)
		f.opts.TokenHost = strings.TrimSuffix(f.opts.ImageRef, "/team-a/app")
		f.registryAt(f.Host())
		f.trust(ca)
		sendsTo("GET", onPing, "WWW-Authenticate", `Bearer realm="https://`+f.opts.TokenHost+`/token"`)(f)
	}, failure.ClassCertificate, "to which HOST leads, is for another name", "x509", "let the certificate be issued for"},
	{"no TLS", func(f *fixture) { f.registryAt(strings.TrimPrefix(plainServer(f).URL, "http://")) }, failure.ClassCertificate, "speaks HTTP without TLS", "GET /v2/", "--plain-http would send the credential readable"},
}

// certified makes the registry one with a certificate of its own, which change makes bad; --ca-file has its authority.
func certified(change func(*x509.Certificate)) func(f *fixture) {
	return func(f *fixture) {
		f.t.Helper()
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			f.t.Fatal(err)
		}
		template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "127.0.0.1"}, IsCA: true, BasicConstraintsValid: true,
			NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(2 * time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
		change(template)
		der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		if err != nil {
			f.t.Fatal(err)
		}
		s := httptest.NewUnstartedServer(http.NotFoundHandler())
		s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
		s.Config.ErrorLog = log.New(&buffer{}, "", 0)
		s.StartTLS()
		f.t.Cleanup(s.Close)
		f.opts.CAFile = filepath.Join(f.t.TempDir(), "ca.crt")
		write(f.t, f.opts.CAFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
		f.registryAt(strings.TrimPrefix(s.URL, "https://"))
	}
}

// plainServer is one without TLS.
func plainServer(f *fixture) *httptest.Server {
	s := httptest.NewServer(http.NotFoundHandler())
	f.t.Cleanup(s.Close)
	return s
}

// registryAt makes the push go to another host, with the same credential.
func (f *fixture) registryAt(host string) {
	f.t.Helper()
	write(f.t, f.opts.Dockerconfig, []byte(strings.ReplaceAll(string(f.Dockerconfig("team-a+ci")), f.Host(), host)))
	f.opts.ImageRef = host + "/team-a/app"
}

// redirectCauses are registries that send a push where the credential must not go.
var redirectCauses = []cause{
	{"a realm elsewhere", sendsTo("GET", onPing, "WWW-Authenticate", `Bearer realm="https://auth.test/token"`), failure.ClassForeignHost, `for a token to another host, and the credential goes to "HOST" alone`, "https://auth.test", `if "auth.test" is its token service, name that in --token-host`},
	{"a realm at another port", sendsTo("GET", onPing, "WWW-Authenticate", `Bearer realm="https://127.0.0.1:1/token"`), failure.ClassForeignHost, "another port of its host", "127.0.0.1:1", "name that in --token-host"},
	{"a realm without TLS", sendsTo("GET", onPing, "WWW-Authenticate", `Bearer realm="http://HOST/v2/auth"`), failure.ClassForeignHost, "to its own host by HTTP without TLS", "http://HOST", "PREFERRED_URL_SCHEME: https"},
	{"a realm elsewhere without TLS", sendsTo("GET", onPing, "WWW-Authenticate", `Bearer realm="http://auth.test/token"`), failure.ClassForeignHost, "to another host by HTTP without TLS", "http://auth.test", "serve that address by TLS"},
	{"a realm with a user", sendsTo("GET", onPing, "WWW-Authenticate", `Bearer realm="https://a:b@HOST/v2/auth"`), failure.ClassForeignHost, "with a user in it", "https://HOST", "take the user out"},
	{"a location elsewhere", sendsTo("POST", onUpload, "Location", "https://store.test/upload?signature=x"), failure.ClassForeignHost, "sends an upload to another host", "https://store.test", `if "store.test" is the registry`},
	{"a location without TLS", sendsTo("POST", onUpload, "Location", "http://HOST/upload"), failure.ClassForeignHost, "sends an upload to its own host by HTTP without TLS", "http://HOST", "X-Forwarded-Proto: https"},
	{"a location without TLS, without a port", sendsTo("POST", onUpload, "Location", "http://127.0.0.1/upload"), failure.ClassForeignHost, "by HTTP without TLS", "http://127.0.0.1", "PREFERRED_URL_SCHEME: https"},
	{"a redirect elsewhere", redirectsTo("https://other.test/v2/x?signature=1"), failure.ClassForeignHost, "HOST redirects the request", `"https://other.test/v2/x"`, `if "other.test" is the registry, name it in --image-ref (param image-ref)`},
	{"a redirect without TLS", redirectsTo("http://HOST/v2/x"), failure.ClassForeignHost, "HOST redirects the request", "http://HOST/v2/x", "TLS ends in front of it"},
	{"a redirect to a page", redirectsTo("https://HOST/signin"), failure.ClassForeignHost, "HOST redirects the request", "/signin", "names the registry, not something in front of it"},
	{"a redirect to TLS", func(f *fixture) {
		host := f.Host()
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://"+host+r.URL.Path, http.StatusMovedPermanently)
		}))
		f.t.Cleanup(s.Close)
		f.registryAt(strings.TrimPrefix(s.URL, "http://"))
		f.opts.PlainHTTP = true
	}, failure.ClassForeignHost, "redirects the request", "https://HOST", "leave --plain-http out"},
}

// sendsTo sets a header that names an address.
func sendsTo(method, path, header, value string) func(f *fixture) {
	return func(f *fixture) {
		writeLayout(f.t, f.layout, large)
		play(method, path, quaytest.SetHeader(header, strings.ReplaceAll(value, "HOST", f.Host())))(f)
	}
}

// redirectsTo redirects the look for a manifest.
func redirectsTo(location string) func(f *fixture) {
	return func(f *fixture) {
		play("GET", "/manifests/", quaytest.Status(307, http.Header{"Location": {strings.ReplaceAll(location, "HOST", f.Host())}}, ""))(f)
	}
}

// networkCauses are registries that do not answer, not now, or not in time.
var networkCauses = []cause{
	{"nobody there", func(f *fixture) { f.registryAt("127.0.0.1:1") }, failure.ClassNetwork, "127.0.0.1:1 cannot be reached", "connection refused", "check the host in --image-ref (param image-ref)"},
	{"no such host", func(f *fixture) { f.registryAt("quay.invalid") }, failure.ClassNetwork, "quay.invalid cannot be reached", "lookup quay.invalid", "check the host"},
	{"nobody at the token service", func(f *fixture) {
		f.opts.TokenHost = "127.0.0.1:1"
		sendsTo("GET", onPing, "WWW-Authenticate", `Bearer realm="https://127.0.0.1:1/token"`)(f)
	}, failure.ClassNetwork, "127.0.0.1:1, to which HOST leads, cannot be reached", "connection refused", "allow that host, too"},
	{"it hangs up", play("PUT", onUpload, quaytest.Reset(1000)), failure.ClassNetwork, "HOST cannot be reached", "sending blob", "run it again later"},
	{"a proxy that wants a password", play("GET", onPing, quaytest.Status(407, nil, "")), failure.ClassNetwork, "the proxy on the way to HOST refuses the request", "407", "NO_PROXY"},
	{"503", play("GET", onPing, quaytest.Status(503, nil, "")), failure.ClassUnavailable, "HOST fails", "GET /v2/: 503", "run it again later"},
	{"a page of a gateway, 502", play("POST", onUpload, webPage(502)), failure.ClassUnavailable, "HOST fails", `"Request Rejected Your support ID is 1234." (server "BigIP", type "text/html")`, "run it again later"},
	{"503 until the deadline", func(f *fixture) {
		f.opts.Timeout, f.opts.RetryPause = 10*time.Second, time.Hour
		play("GET", onToken, quaytest.Status(503, nil, ""))(f)
	}, failure.ClassUnavailable, "HOST fails, and --timeout is over", "GET /v2/auth: 503", "run it again later"},
	{"429", play("GET", onToken, quaytest.Status(429, nil, "")), failure.ClassRateLimited, "HOST is rate-limiting this client", "429", "run it again later"},
	{"429 past the deadline", play("GET", onToken, quaytest.Status(429, http.Header{"Retry-After": {"7200"}}, "")), failure.ClassRateLimited, "--timeout is over before the next try, in 1h0m0s", "429", "run it again later"},
	{"a stall", func(f *fixture) {
		writeLayout(f.t, f.layout, 32<<20)
		f.opts.StallTimeout = 50 * time.Millisecond
		play("PUT", onUpload, quaytest.Stall(nil))(f)
	}, failure.ClassStalled, "HOST moves no more bytes", "PUT", "--stall-timeout"},
	{"an answer that does not come in time", func(f *fixture) {
		f.opts.Timeout = 2 * time.Second
		play("GET", onToken, quaytest.Stall(nil))(f)
	}, failure.ClassTimeout, "longer than --timeout", "GET /v2/auth", "run it again"},
}

// answerCauses are answers that no push expects.
var answerCauses = []cause{
	{"a firewall's page, 403", play("POST", onUpload, webPage(403)), failure.ClassProtocol, "something in front of HOST refuses the request", `Request Rejected Your support ID is 1234." (server "BigIP"`, "firewall"},
	{"a firewall's page for a token", play("GET", onToken, webPage(401)), failure.ClassProtocol, "something in front of HOST refuses the request", "Request Rejected", "firewall"},
	{"a firewall that knows no PUT", play("PUT", onManifest, webPage(405)), failure.ClassProtocol, "something in front of HOST refuses the request", "405", "firewall"},
	{"a page, 400", play("POST", onUpload, webPage(400)), failure.ClassProtocol, "HOST sent an unexpected response", "Request Rejected", "names the registry, not something in front of it"},
	{"TLS where none is asked for", func(f *fixture) { f.opts.PlainHTTP = true }, failure.ClassProtocol, "HOST sent an unexpected response", "HTTP request to an HTTPS server", "; if it has TLS, leave --plain-http out"},
	{"a web site", play("GET", onPing, webPage(404)), failure.ClassProtocol, "HOST sent an unexpected response", "GET /v2/: 404", "names the registry, not something in front of it"},
	{"a page for a manifest", play("GET", onTag, webPage(200)), failure.ClassProtocol, "HOST sent an unexpected response", `200 OK "Request Rejected Your support ID is 1234." (server "BigIP", type "text/html")`, "names the registry, not something in front of it"},
	{"a page for a manifest, after the write", after(1, "GET", onTag, webPage(200)), failure.ClassProtocol, "HOST sent an unexpected response", "Request Rejected", "names the registry, not something in front of it"},
	{"a page for a manifest, which is to be absent", func(f *fixture) {
		f.opts.IfTagAbsent = true
		play("GET", onTag, webPage(200))(f)
	}, failure.ClassProtocol, "HOST sent an unexpected response", "Request Rejected", "names the registry, not something in front of it"},
	{"a page for a manifest, before the push", func(f *fixture) {
		f.opts.Preflight = true
		play("GET", onTag, webPage(200))(f)
	}, failure.ClassProtocol, "HOST sent an unexpected response", "Request Rejected", "names the registry, not something in front of it"},
	{"an empty manifest", play("GET", onTag, quaytest.Status(200, http.Header{"Content-Type": {mediaManifest}}, " ")), failure.ClassProtocol, "HOST sent an unexpected response", "200 OK, 1 bytes that are no manifest", "names the registry"},
	{"words for a manifest", play("GET", onTag, quaytest.Status(200, nil, `{"message":"closed for work"}`)), failure.ClassProtocol, "HOST sent an unexpected response", `"closed for work", 29 bytes`, "names the registry"},
	{"a list for a manifest", play("GET", onTag, quaytest.Status(200, nil, `[]`)), failure.ClassProtocol, "HOST sent an unexpected response", "2 bytes that are no manifest", "names the registry"},
	{"null for a manifest", play("GET", onTag, quaytest.Status(200, nil, `null`)), failure.ClassProtocol, "HOST sent an unexpected response", "4 bytes that are no manifest", "names the registry"},
	{"no challenge", play("GET", onPing, quaytest.SetHeader("WWW-Authenticate", `Basic realm="x"`)), failure.ClassProtocol, "HOST did not advertise a token service", `Basic realm=\"x\"`, "Bearer challenge"},
	{"a page that asks to log in", play("GET", onPing, webPage(401)), failure.ClassProtocol, "HOST did not advertise a token service", "Request Rejected", "names the registry, not something in front of it"},
	{"no token", play("GET", onToken, quaytest.Status(200, nil, `{"hello":1}`)), failure.ClassProtocol, "the token service of HOST sent no token", "neither token nor access_token", "token service answers"},
	{"a token of another type", play("GET", onToken, quaytest.Status(200, nil, `{"token":5,"expires_in":"3600"}`)), failure.ClassProtocol, "the token service of HOST sent no token", "neither token nor access_token", "token service answers"},
	{"a refusal with a success", play("GET", onToken, inJSON(200, `{"errors":[{"code":"DENIED","message":"the robot is asleep"}]}`)), failure.ClassProtocol, "the token service of HOST sent no token", `it says "DENIED the robot is asleep"`, "token service answers"},
	{"a page for a token", play("GET", onToken, webPage(200)), failure.ClassProtocol, "the token service of HOST sent no token", `type "text/html" "Request Rejected Your support ID is 1234."`, "token service answers"},
	{"a fresh token that is refused", play("POST", onUpload, says(401, "UNAUTHORIZED", "not valid yet")), failure.ClassProtocol, "refuses the token that its own token service has just issued", "not valid yet", "compare the clocks"},
	{"no location", play("POST", onUpload, quaytest.SetHeader("Location", "")), failure.ClassProtocol, "does not say where to upload to", "202 without a usable Location", "names the registry"},
	{"pushes are off", func(f *fixture) { f.SetReadOnly(true) }, failure.ClassRegistryReadOnly, "HOST takes no pushes now", "405", "run it again later"},
	{"quota", func(f *fixture) { f.SetQuota("team-a", 1) }, failure.ClassQuota, `the quota of organization "team-a" is used up`, "403", "raise its quota"},
	{"a large blob", play("PUT", onUpload, quaytest.Status(413, nil, "")), failure.ClassTooLarge, fmt.Sprintf("of %d bytes exceeds the size limit of HOST", large), "413", "MAXIMUM_LAYER_SIZE"},
	{"a large manifest", play("PUT", onManifest, quaytest.Status(413, nil, "")), failure.ClassTooLarge, `manifest "sha256:`, "413", "client_max_body_size"},
	{"a manifest of another type", play("PUT", onManifest, says(415, "MANIFEST_INVALID", "no")), failure.ClassManifestRefused, "HOST refuses a manifest", "415", "compare the media types"},
	{"a manifest", play("PUT", onManifest, says(400, "MANIFEST_INVALID", "manifest invalid")), failure.ClassManifestRefused, "has every blob of manifest", "media types", "compare the media types"},
	{"a manifest whose blob is missing", play("PUT", onManifest, says(400, "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry")), failure.ClassManifestRefused, "HOST took every blob of manifest", `400 Bad Request "MANIFEST_BLOB_UNKNOWN"`, "lost a blob"},
	{"a blob of a manifest is missing", play("PUT", onManifest, says(404, "BLOB_UNKNOWN", "blob unknown to registry")), failure.ClassManifestRefused, "says that one is missing", `404 Not Found "BLOB_UNKNOWN"`, "lost a blob"},
	{"a Docker manifest without history", func(f *fixture) {
		f.writeDockerImage(`{"os":"linux"}`)
		play("PUT", onManifest, says(400, "MANIFEST_INVALID", "manifest invalid"))(f)
	}, failure.ClassManifestRefused, "in Docker's format and whose config has no history", "manifest invalid", "--format oci"},
	{"a Docker manifest with history", func(f *fixture) {
		f.writeDockerImage(`{"os":"linux","history":[]}`)
		play("PUT", onManifest, says(400, "MANIFEST_INVALID", "manifest invalid"))(f)
	}, failure.ClassManifestRefused, "has every blob of manifest", "manifest invalid", "compare the media types"},
}

// writeDockerImage makes the layout one of an image in Docker's format.
func (f *fixture) writeDockerImage(config string) {
	const manifest = "application/vnd.docker.distribution.manifest.v2+json"
	writeIndex(f.t, f.layout, addJSON(f.t, f.layout, manifest, map[string]any{"schemaVersion": 2, "mediaType": manifest,
		"config": addBlob(f.t, f.layout, "application/vnd.docker.container.image.v1+json", []byte(config)),
		"layers": []descriptor{addBlob(f.t, f.layout, "application/vnd.docker.image.rootfs.diff.tar.gzip", gzipped(f.t, layerOf(1, 10)))}}))
}
