package receipt

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var expected = Expectation{Repository: repository, Digest: digest, Team: "payments"}

func TestVerify(t *testing.T) {
	key, _ := newKey(t)
	older, _ := newKey(t)
	s := newStatement(t, repository, digest, "u-1")
	data := sign(t, s, key)
	for name, keys := range map[string][]*ecdsa.PublicKey{"its key": {key.Public()}, "and one of before": {older.Public(), key.Public()}} {
		got, err := Verify(data, keys, expected)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(s, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if want := "2026-11-29T20:00:00Z"; s.Predicate.Time.Format("2006-01-02T15:04:05.999999999Z07:00") != want {
		t.Errorf("time is %s, want %s", s.Predicate.Time, want)
	}
	if _, err := Verify(data, []*ecdsa.PublicKey{key.Public()}, Expectation{Repository: repository, Digest: digest}); err != nil {
		t.Errorf("of anybody: %v", err)
	}
}

// What is not a valid receipt of what is expected says why.
func TestVerifyRefuses(t *testing.T) {
	key, _ := newKey(t)
	stranger, _ := newKey(t)
	good := newStatement(t, repository, digest, "u-1")
	altered := func(change func(s *Statement)) []byte {
		s := newStatement(t, repository, digest, "u-1")
		change(&s)
		return sign(t, s, key)
	}
	changed := sign(t, good, key)
	for name, test := range map[string]struct {
		data []byte
		want Expectation
		says string
	}{
		"another repository": {sign(t, good, key), Expectation{repository + "2", digest, "payments"}, "not about repository"},
		"another digest":     {sign(t, good, key), Expectation{repository, other, "payments"}, "and not about " + other},
		"another team":       {sign(t, good, key), Expectation{repository, digest, "platform"}, `team "payments" pushed it, and not team "platform"`},
		"another image's":    {sign(t, newStatement(t, repository, other, "u-1"), key), expected, "and not about " + digest},
		"another key":        {sign(t, good, stranger), expected, "another key has signed it"},
		"a changed byte": {edit(t, changed, func(b *bundle) {
			b.Envelope.Payload = bytes.Replace(b.Envelope.Payload, []byte("payments"), []byte("paymentz"), 1)
		}), expected, "changed since"},
		"another payload type": {edit(t, changed, func(b *bundle) { b.Envelope.PayloadType = "text/plain" }), expected, "changed since"},
		"a changed signature":  {edit(t, changed, func(b *bundle) { b.Envelope.Signatures[0].Sig[9] ^= 1 }), expected, "changed since"},
		"unsigned":             {edit(t, changed, func(b *bundle) { b.Envelope.Signatures = nil }), expected, "0 signatures"},
		"signed twice":         {edit(t, changed, func(b *bundle) { b.Envelope.Signatures = append(b.Envelope.Signatures, b.Envelope.Signatures[0]) }), expected, "2 signatures"},
		"an empty signature":   {edit(t, changed, func(b *bundle) { b.Envelope.Signatures[0].Sig = nil }), expected, "changed since"},
		"another predicate":    {altered(func(s *Statement) { s.PredicateType = "https://slsa.dev/provenance/v1" }), expected, "no push receipt"},
		"another statement":    {altered(func(s *Statement) { s.Type = "https://in-toto.io/Statement/v2" }), expected, "no in-toto statement"},
		"no subject":           {altered(func(s *Statement) { s.Subject = nil }), expected, "0 subjects"},
		"two subjects":         {altered(func(s *Statement) { s.Subject = append(s.Subject, s.Subject[0]) }), expected, "2 subjects"},
		"another bundle":       {edit(t, changed, func(b *bundle) { b.MediaType = "application/vnd.dev.sigstore.bundle.v0.1+json" }), expected, "no Sigstore bundle"},
		"no JSON":              {[]byte("receipt"), expected, "no Sigstore bundle"},
		"nothing":              {nil, expected, "no Sigstore bundle"},
		"too large":            {append(bytes.Repeat([]byte(" "), maxBundle), changed...), expected, "no Sigstore bundle"},
	} {
		_, err := Verify(test.data, []*ecdsa.PublicKey{key.Public()}, test.want)
		if wrong := (*Invalid)(nil); !errors.As(err, &wrong) || !strings.Contains(wrong.Problem, test.says) {
			t.Errorf("%s: %v, want it to say %q", name, err, test.says)
		}
	}
	if _, err := Verify(changed, nil, expected); err == nil {
		t.Error("without a key everything is valid")
	}
}

func FuzzVerify(f *testing.F) {
	f.Add([]byte(`{"mediaType":"` + BundleType + `","dsseEnvelope":{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"MAA="}]}}`))
	f.Add([]byte(`{"dsseEnvelope":null}`))
	public, err := ParsePublic([]byte(publicPEM))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := Verify(data, public, expected); !errors.As(err, new(*Invalid)) {
			t.Errorf("%q: %v", data, err)
		}
	})
}

func TestClaim(t *testing.T) {
	for commit, want := range map[string]bool{
		strings.Repeat("0a", 20): true, strings.Repeat("0a", 32): true, strings.Repeat("0A", 20): false, "main": false, "": false,
		strings.Repeat("0a", 21): false, strings.Repeat("0a", 20) + "\n": false,
	} {
		if got := Claim(commit); (got != nil) != want || want && got.SourceCommit != commit {
			t.Errorf("Claim(%q) = %+v", commit, got)
		}
	}
	for _, digest := range []string{"", "latest", digest + "0"} {
		if _, err := New(repository, digest, Predicate{}); err == nil {
			t.Errorf("%q is taken for a digest", digest)
		}
	}
}

// mixedUp says that it has one key, and signs with another.
type mixedUp struct {
	Key
	by Key
}

func (m mixedUp) Sign(ctx context.Context, message []byte) ([]byte, error) {
	return m.by.Sign(ctx, message)
}

// What nobody could verify is not given out.
func TestSignatureOfAnotherKey(t *testing.T) {
	key, _ := newKey(t)
	another, _ := newKey(t)
	if data, err := Sign(t.Context(), newStatement(t, repository, digest, "u-1"), mixedUp{key, another}); err == nil || data != nil || !strings.Contains(err.Error(), "the signature is not one of the key") {
		t.Errorf("signed %q, %v", data, err)
	}
}
