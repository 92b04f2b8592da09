package push_test

import (
	"crypto/x509"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// tagCauses are tags that cannot be set, or are not what was set.
var tagCauses = []cause{
	{"immutable", func(f *fixture) { f.pushedBefore(); f.SetImmutable("team-a", true) }, failure.ClassTagImmutable, `tag "v1" is immutable and has another digest`, "the push was", "choose a new tag in --tag (param tag)"},
	{"absent only", func(f *fixture) { f.pushedBefore(); f.opts.IfTagAbsent = true }, failure.ClassTagExists, `tag "v1" exists`, "the source sha256:", "or leave --if-tag-absent out"},
	{"moved by another run", func(f *fixture) {
		third := f.pushedBefore()
		f.pushedBefore()
		f.Faults.Add(quaytest.Fault{Name: "moved", Method: "GET", Path: onTag, Nth: 2, Times: -1, Effect: f.old(third)})
	}, failure.ClassTagMoved, `tag "v1" points at other than what was pushed`, "the push was", "give each run its own in --tag (param tag)"},
	{"never served", func(f *fixture) {
		f.Faults.Add(quaytest.Fault{Name: "gone", Method: "GET", Path: onTag, Nth: 2, Times: -1, Effect: gone()})
	}, failure.ClassNotVerified, `the registry took "v1" and does not serve it`, `it is ""`, "read replicas"},
	{"still what it was", func(f *fixture) {
		before := f.pushedBefore()
		f.Faults.Add(quaytest.Fault{Name: "old", Method: "GET", Path: onTag, Nth: 2, Times: -1, Effect: f.old(before)})
	}, failure.ClassNotVerified, `set tag "v1" and still serves what it was before`, "the push was", "another run set the tag back"},
	{"the digest is not served", func(f *fixture) {
		f.Faults.Add(quaytest.Fault{Name: "gone", Method: "GET", Path: onManifest, Nth: 2, Times: -1, Effect: gone()})
	}, failure.ClassNotVerified, "and does not serve it", `it is ""`, "read replicas"},
	{"other bytes under the digest", func(f *fixture) {
		f.Faults.Add(quaytest.Fault{Name: "other", Method: "GET", Path: onManifest, Nth: 2, Times: -1, Effect: quaytest.Status(200, nil, "{}")})
	}, failure.ClassNotVerified, "under the digest", "the push was", "rewrites images"},
	{"another digest of a blob", play("PUT", onUpload, quaytest.SetHeader("Docker-Content-Digest", digestOf(nil))), failure.ClassNotVerified, "the registry stored blob", "", "rewrites images"},
}

// pushedBefore pushes another image to the tag, and leaves its digest and a new layout.
func (f *fixture) pushedBefore() string {
	f.t.Helper()
	digest := f.push().Digest
	f.extra++
	sizes := make([]int, f.extra)
	writeLayout(f.t, f.layout, append(sizes, 7)...)
	return digest
}

// contentCauses are good sources that the options do not allow.
var contentCauses = []cause{
	{"it would expire", func(f *fixture) {
		f.opts.RequireRetention = true
		writeIndex(f.t, f.layout, writeImage(f.t, f.layout, `{"config":{"Labels":{"quay.expires-after":"1h"}}}`, small))
	}, failure.ClassRetention, "Quay would let the image expire", `quay.expires-after="1h"`, "set the label quay.expires-after to an empty value"},
	{"another digest", func(f *fixture) { f.opts.ExpectedDigest = digestOf(nil) }, failure.ClassDigestUnexpected, "--expected-digest", "it is sha256:", "who changed the source"},
	{"no scratch space", func(f *fixture) {
		layer := layerOf(1, small)
		f.archived("docker-archive:", tarEntry{name: "a.tar", content: layer}, tarEntry{name: "c.json", content: savedConfig(f.t, layer)},
			tarEntry{name: "manifest.json", content: marshal(f.t, []savedImage{{Config: "c.json", Layers: []string{"a.tar"}}})})
		f.t.Setenv("TMPDIR", "/none")
	}, failure.ClassNoScratch, "the compressed layers cannot be kept", "no such file", "emptyDir"},
}

// sourceCauses are sources on disk that cannot be pushed.
var sourceCauses = []cause{
	{"no directory", func(f *fixture) { f.opts.Source = "oci:/none" }, failure.ClassSourceMissing, `"/none" is not there`, "no such file", "check --source (param source)"},
	{"no path", func(f *fixture) { f.opts.Source = "/none" }, failure.ClassSourceMissing, `"/none" is not there`, "no such file", "check --source (param source)"},
	{"no archive", func(f *fixture) { f.opts.Source = "oci-archive:/none/image.tar" }, failure.ClassSourceMissing, "is not there", "no such file", "check --source (param source)"},
	{"a path through a file", func(f *fixture) { f.opts.Source = "oci:" + filepath.Join(f.layout, "index.json", "x") }, failure.ClassSourceMissing, "cannot be a file", "not a directory", "check --source (param source)"},
	{"no layout", func(f *fixture) { f.opts.Source = f.t.TempDir() }, failure.ClassSourceMissing, `has no "blobs"`, "", "check --source (param source)"},
	{"a blob is missing", func(f *fixture) { remove(f.t, blobFile(f.layout, f.image().Layers[0].Digest)) }, failure.ClassSourceMissing, `manifest "sha256:`, "", "let the build write all of it"},
	{"another name", func(f *fixture) { f.opts.Source += ":v9" }, failure.ClassSourceMissing, `no image named "v9": it has ":@0"`, "", "name one with :REF behind the path"},
	{"several images", func(f *fixture) {
		writeIndex(f.t, f.layout, named(writeImage(f.t, f.layout, `{"os":"a"}`, 7), "a"), named(writeImage(f.t, f.layout, `{"os":"b"}`, 7), "b"))
	}, failure.ClassSourceRefused, `2 images: ":a", ":b"`, "", "name one with :REF behind the path"},
	{"a blob of another size", func(f *fixture) { write(f.t, blobFile(f.layout, f.image().Layers[0].Digest), []byte("x")) }, failure.ClassSourceCorrupt, "has 1 bytes", "", "build the image again"},
	{"other content", func(f *fixture) {
		write(f.t, blobFile(f.layout, f.image().Layers[0].Digest), []byte(strings.Repeat("x", small)))
	}, failure.ClassSourceCorrupt, `hashes to "sha256:`, "", "build the image again"},
	{"a link", func(f *fixture) { link(f.t, "/etc/hostname", blobFile(f.layout, f.image().Layers[0].Digest)) }, failure.ClassSourceRefused, "not a regular file but a symbolic link", "", "cp -L"},
	{"a linked layout", func(f *fixture) {
		path := filepath.Join(f.t.TempDir(), "link")
		if err := os.Symlink(f.layout, path); err != nil {
			f.t.Fatal(err)
		}
		f.opts.Source = "oci:" + path
	}, failure.ClassSourceRefused, "is a symbolic link", "", "name the directory that it leads to"},
	{"a file for a layout", func(f *fixture) { f.opts.Source = "oci:" + filepath.Join(f.layout, "index.json") }, failure.ClassSourceRefused, "is not a directory", "", "oci-archive:FILE"},
	{"an archive in bzip2", func(f *fixture) {
		path := filepath.Join(f.t.TempDir(), "image.tar.bz2")
		write(f.t, path, []byte("BZh91AY&SY"))
		f.opts.Source = path
	}, failure.ClassSourceRefused, "is compressed with bzip2, and only gzip and zstd are read", "", "leave a plain tar file"},
	{"a compressed archive that is cut off", func(f *fixture) {
		path := filepath.Join(f.t.TempDir(), "image.tar.gz")
		packed := gzipped(f.t, tarOf(f.t, entriesOf(f.t, f.layout)...))
		write(f.t, path, packed[:len(packed)/2])
		f.opts.Source = path
	}, failure.ClassSourceCorrupt, "cannot be decompressed (gzip), or is cut off", "", "build the image again"},
	{"a foreign layer", func(f *fixture) {
		layer := addBlob(f.t, f.layout, "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", []byte("x"))
		writeIndex(f.t, f.layout, manifestOf(f.t, f.layout, map[string]any{"layers": []descriptor{layer}}))
	}, failure.ClassSourceRefused, "is a foreign layer", "", "allow-nondistributable-artifacts"},
	{"an index of another type", func(f *fixture) { write(f.t, filepath.Join(f.layout, "index.json"), []byte(`{"manifests":5}`)) }, failure.ClassSourceCorrupt, "index.json\" is not an index: manifests is a number, want an array", "", "build the image again"},
	{"a manifest of another type", func(f *fixture) {
		writeIndex(f.t, f.layout, manifestOf(f.t, f.layout, map[string]any{"layers": 5}))
	}, failure.ClassSourceCorrupt, "not a manifest: layers is a number, want an array", "", "build the image again"},
	{"sha512", func(f *fixture) {
		writeIndex(f.t, f.layout, descriptor{MediaType: mediaManifest, Digest: "sha512:" + strings.Repeat("a", 128), Size: 5})
	}, failure.ClassSourceRefused, "is not sha256", "", "write the image with sha256 digests"},
	{"a layer in bzip2", func(f *fixture) {
		layer := []byte("BZh91AY&SY")
		f.archived("docker-archive:", tarEntry{name: "a.tar", content: layer}, tarEntry{name: "c.json", content: savedConfig(f.t, layer)},
			tarEntry{name: "manifest.json", content: marshal(f.t, []savedImage{{Config: "c.json", Layers: []string{"a.tar"}}})})
	}, failure.ClassSourceRefused, "compressed with bzip2", "", "with gzip or zstd"},
}

// image is the manifest of the layout that newFixture writes.
func (f *fixture) image() (m struct{ Layers []descriptor }) {
	f.t.Helper()
	m.Layers = layers(f.t, f.layout, writeLayout(f.t, f.layout, small, large))
	return m
}

// remoteCauses are sources in another registry that cannot be read: what is said is about that registry, and its flags.
var remoteCauses = []cause{
	{"no entry for the source", func(f *fixture) { newUpstream(f.t, f); f.credentials(f.Dockerconfig("team-a+ci")) }, failure.ClassNoCredential, "no credential for", "no entry", "or name another file in --source-dockerconfig; if anybody may pull the source, set --source-anonymous (param source-anonymous)"},
	{"anonymous", func(f *fixture) { newUpstream(f.t, f); f.opts.SourceAnonymous = true }, failure.ClassNoAccess, "nobody may pull from it without a credential", "no right to pull", "leave --source-anonymous (param source-anonymous) out, and put an entry for the source's registry into the dockerconfig"},
	{"no right to read", func(f *fixture) { newUpstream(f.t, f).Revoke("base/app", "base+puller") }, failure.ClassNoAccess, `"base+puller" may not pull from it`, "no right to pull", "give it Read on the repository"},
	{"an old token of the source", func(f *fixture) { newUpstream(f.t, f).RegenerateRobot("base+puller") }, failure.ClassCredentialRefused, `where the source is, does not know "base+puller"`, "401", "let the Secret follow Vault"},
	{"no such tag", func(f *fixture) {
		newUpstream(f.t, f)
		f.opts.Source = strings.TrimSuffix(f.opts.Source, ":v1") + ":v9"
	}, failure.ClassSourceMissing, "the source, or a part of it, is not in", "404", "check repository and tag in --source (param source)"},
	{"a realm elsewhere", source("GET", onPing, quaytest.SetHeader("WWW-Authenticate", `Bearer realm="https://auth.test/token"`)), failure.ClassForeignHost, "where the source is, sends its clients for a token to another host", "https://auth.test", `if "auth.test" is its token service, name that in --source-token-host`},
	{"a redirected manifest", source("GET", "/manifests/", quaytest.Status(307, http.Header{"Location": {"https://mirror.test/v2/k8s/app/manifests/v1?signature=1"}}, "")), failure.ClassForeignHost, "where the source is, redirects the request", `"https://mirror.test/v2/k8s/app/manifests/v1"`, `if "mirror.test" is the registry, name it in --source (param source)`},
	{"a blob without TLS", source("GET", "/base/app/blobs/", quaytest.Status(307, http.Header{"Location": {"http://store.test/x"}}, "")), failure.ClassForeignHost, "where the source is, redirects the request", "http://store.test/x", "serve that address by TLS"},
	{"an authority that nobody gave for the source", func(f *fixture) { ca := f.opts.CAFile; newUpstream(f.t, f); f.opts.CAFile = ca }, failure.ClassCertificate, "where the source is, is signed by an authority", "x509", "one of them is missing there"},
	{"an expired certificate of the source", certifiedSource(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Hour) }), failure.ClassCertificate, ", where the source is, or one that signed it, has expired", "is after", "renew the certificate"},
	{"a certificate of the source for clients alone", certifiedSource(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }), failure.ClassCertificate, ", where the source is, or one that signed it, is not valid", "incompatible key usage", "issue the certificate"},
	{"a source without TLS", func(f *fixture) {
		f.opts.Source, f.opts.SourceAnonymous = "docker://"+strings.TrimPrefix(plainServer(f).URL, "http://")+"/a/b", true
	}, failure.ClassCertificate, "where the source is, speaks HTTP without TLS", "GET /v2/", "copy it into an OCI layout first"},
	{"nobody at the source", func(f *fixture) { f.opts.Source, f.opts.SourceAnonymous = "docker://127.0.0.1:1/a/b", true }, failure.ClassNetwork, "127.0.0.1:1, where the source is, cannot be reached", "connection refused", "check the host in --source (param source)"},
	{"nobody at the object store", source("GET", "/base/app/blobs/", quaytest.Status(307, http.Header{"Location": {"https://127.0.0.1:1/x?signature=1"}}, "")), failure.ClassNetwork, "127.0.0.1:1, to which", "GET /x on 127.0.0.1:1", "allow that host, too"},
	{"other content at the source", source("GET", "/base/app/blobs/", quaytest.Status(200, nil, strings.Repeat("x", large))), failure.ClassSourceCorrupt, "has more than the 37 bytes", `and begins with "…"`, "push the image to its registry again"},
	{"another manifest at the source", source("GET", "/manifests/", quaytest.SetHeader("Docker-Content-Digest", digestOf(nil))), failure.ClassSourceCorrupt, "serves a manifest with the digest", "", "rewrites images on the way"},
	{"a busy source", source("GET", "/manifests/", quaytest.Status(429, nil, "")), failure.ClassRateLimited, "where the source is, is rate-limiting this client", "429", "run it again later"},
	{"a failing source", source("GET", "/manifests/", webPage(502)), failure.ClassUnavailable, "where the source is, fails", "Request Rejected", "run it again later"},
	{"a page for a manifest at the source", source("GET", "/manifests/", webPage(200)), failure.ClassProtocol, "where the source is, sent an unexpected response", `200 OK "Request Rejected`, "--source (param source)"},
	{"a firewall in front of the source", source("GET", "/manifests/", webPage(403)), failure.ClassProtocol, "something in front of", "Request Rejected", "firewall"},
	{"a source that refuses its own token", source("GET", "/manifests/", says(401, "UNAUTHORIZED", "")), failure.ClassProtocol, "refuses the token that its own token service has just issued", "401", "compare the clocks"},
	{"a source that refuses its own token for a blob", source("GET", "/base/app/blobs/", says(401, "UNAUTHORIZED", "")), failure.ClassProtocol, "refuses the token that its own token service has just issued", "401", "compare the clocks"},
	{"a token of the source that is none", source("GET", onToken, quaytest.Status(200, nil, "[]")), failure.ClassProtocol, "where the source is, sent no token", "not a token: it is an array, want an object", "--source (param source)"},
	{"no challenge of the source", source("GET", onPing, quaytest.SetHeader("WWW-Authenticate", "Basic")), failure.ClassProtocol, "where the source is, did not advertise a token service", `"Basic"`, "--source (param source)"},
}

// source makes requests to the registry of the source end in effect.
func source(method, path string, effect quaytest.Effect) func(f *fixture) {
	return func(f *fixture) {
		newUpstream(f.t, f).Faults.Add(quaytest.Fault{Name: "cause", Method: method, Path: path, Times: -1, Effect: effect})
	}
}

// certifiedSource is certified for the registry of the source.
func certifiedSource(change func(*x509.Certificate)) func(f *fixture) {
	return func(f *fixture) {
		target, file, ca := f.opts.ImageRef, f.opts.Dockerconfig, f.opts.CAFile
		kept, err := os.ReadFile(file)
		if err != nil {
			f.t.Fatal(err)
		}
		certified(change)(f)
		f.opts.Source, f.opts.SourceAnonymous, f.opts.ImageRef = "docker://"+f.opts.ImageRef+":v1", true, target
		write(f.t, file, kept)
		f.trust(ca)
	}
}
