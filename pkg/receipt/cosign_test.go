//go:build cosign

package receipt

import (
	"bytes"
	"crypto/ecdsa"
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// cosign is the program that make receipt builds.
func cosign(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../../bin/cosign")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v: make receipt builds it", err)
	}
	return path
}

// stranger is who has cosign, a public key and the right to read.
type stranger struct {
	*registry
	program, home string
}

func newStranger(t *testing.T) stranger {
	t.Helper()
	s := stranger{newRegistry(t), cosign(t), t.TempDir()}
	s.file("config.json", s.Dockerconfig("team-payments+ci"))
	return s
}

func (s stranger) file(name string, content []byte) string {
	s.t.Helper()
	path := filepath.Join(s.home, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// verify returns what cosign says of the image, and whether it is content.
func (s stranger) verify(digest string, key Key) (stdout, stderr string, ok bool) {
	s.t.Helper()
	text, err := EncodePublic(key.Public())
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.CommandContext(s.t.Context(), s.program, "verify-attestation", "--key", s.file("key.pub", text), "--type", PredicateType,
		"--insecure-ignore-tlog", s.Repository+"@"+digest)
	cmd.Env = []string{"HOME=" + s.home, "DOCKER_CONFIG=" + s.home, "SSL_CERT_FILE=" + s.CAFile(), "PATH="}
	var out, words bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &words
	err = cmd.Run()
	if err != nil && cmd.ProcessState == nil {
		s.t.Fatal(err)
	}
	return out.String(), words.String(), err == nil
}

// cosign verifies a receipt of ours, and says what it says.
func TestCosignVerifies(t *testing.T) {
	s := newStranger(t)
	key, _ := newKey(t)
	s.write("u-1", key)
	out, words, ok := s.verify(s.registry.digest, key)
	if !ok {
		t.Fatalf("cosign refuses it: %s", words)
	}
	var e struct{ PayloadType, Payload string }
	if err := json.Unmarshal([]byte(out), &e); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	payload, err := base64.StdEncoding.DecodeString(e.Payload)
	if err != nil {
		t.Fatal(err)
	}
	var got Statement
	if err := json.Unmarshal(payload, &got); err != nil || got.Predicate.Run.UID != "u-1" || got.Predicate.Team != "payments" {
		t.Errorf("it says %s, %v", payload, err)
	}
}

// What cosign refuses, Find refuses, too.
func TestCosignRefuses(t *testing.T) {
	key, _ := newKey(t)
	foreign, _ := newKey(t)
	for name, test := range map[string]struct {
		leave func(s stranger)
		says  string
	}{
		"nothing":     {func(stranger) {}, "no matching attestations"},
		"another key": {func(s stranger) { s.write("u-1", foreign) }, "signature"},
		"a changed byte": {func(s stranger) {
			good := sign(t, newStatement(t, s.Repository, s.registry.digest, "u-1"), key)
			s.forge(edit(t, good, func(b *bundle) {
				b.Envelope.Payload = bytes.Replace(b.Envelope.Payload, []byte(`"payments"`), []byte(`"paymentz"`), 1)
			}), "u-1")
		}, "signature"},
		"another image's": {func(s stranger) {
			s.forge(sign(t, newStatement(t, s.Repository, s.push("v2"), "u-1"), key), "u-1")
		}, "digest"},
		"unsigned": {func(s stranger) {
			good := sign(t, newStatement(t, s.Repository, s.registry.digest, "u-1"), key)
			s.forge(edit(t, good, func(b *bundle) { b.Envelope.Signatures = nil }), "u-1")
		}, "exactly one signature"},
		"another predicate": {func(s stranger) {
			other := newStatement(t, s.Repository, s.registry.digest, "u-1")
			other.PredicateType = "https://slsa.dev/provenance/v1"
			s.forge(sign(t, other, key), "u-1")
		}, "predicate"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStranger(t)
			test.leave(s)
			out, words, ok := s.verify(s.registry.digest, key)
			if ok || !strings.Contains(words, test.says) {
				t.Errorf("cosign is content: %v, %s%s; want it to say %q", ok, out, words, test.says)
			}
			if _, _, err := s.Find(t.Context(), []*ecdsa.PublicKey{key.Public()}, s.expected()); err == nil {
				t.Error("Find is content")
			}
		})
	}
}
