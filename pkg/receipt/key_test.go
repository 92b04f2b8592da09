package receipt

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
)

// publicPEM is a public key as openssl writes it; nobody has the private one.
const publicPEM = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEjRiiCqILRHcNxN/7U9KErMEXtnrH
2aQLpZPFgFO+5Q4LF5HlFktETlSIr0yJk+EiSQJcSfPoWzfJU/i7/ABbyA==
-----END PUBLIC KEY-----
`

func TestPublicKeys(t *testing.T) {
	one, err := ParsePublic([]byte(publicPEM))
	if err != nil || len(one) != 1 {
		t.Fatalf("%d keys, %v", len(one), err)
	}
	if text, err := EncodePublic(one[0]); err != nil || string(text) != publicPEM {
		t.Errorf("written again it is %s, %v", text, err)
	}
	key, _ := newKey(t)
	text, err := EncodePublic(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	if two, err := ParsePublic([]byte(publicPEM + "\nthe next one\n" + string(text))); err != nil || len(two) != 2 || !two[1].Equal(key.Public()) {
		t.Errorf("%d keys, %v", len(two), err)
	}
}

// A private key in SEC 1's form is one, too.
func TestPrivateKeyForms(t *testing.T) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ParseKey(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))
	if err != nil || !key.Public().Equal(private.Public()) {
		t.Errorf("%v, %v", key.Public(), err)
	}
}

// Keys of other kinds are refused in words, and nothing of a private one is in them.
func TestKeysRefused(t *testing.T) {
	_, good := newKey(t)
	large, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	encode := func(key any) []byte {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	}
	block, _ := pem.Decode(good)
	for name, test := range map[string]struct {
		data []byte
		says string
	}{
		"nothing":   {nil, "not PEM"},
		"a public":  {[]byte(publicPEM), "no private key"},
		"RSA":       {encode(large), "ECDSA key on P-256"},
		"P-384":     {encode(curve), "ECDSA key on P-256"},
		"cut":       {pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: block.Bytes[:60]}), "cannot be parsed"},
		"encrypted": {pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED SIGSTORE PRIVATE KEY", Bytes: block.Bytes}), "encrypted"},
	} {
		_, err := ParseKey(test.data)
		if !errors.Is(err, ErrKey) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want it to say %q", name, err, test.says)
		}
		if len(test.data) > 0 && strings.Contains(err.Error(), string(test.data[40:60])) {
			t.Errorf("%s: the key is in the error: %v", name, err)
		}
	}
	larger, err := EncodePublic(&curve.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"P-384": larger, "nothing": nil, "a private one": good, "a private one behind it": append([]byte(publicPEM), good...)} {
		if keys, err := ParsePublic(data); !errors.Is(err, ErrKey) || keys != nil {
			t.Errorf("%s: %v, %v", name, keys, err)
		}
	}
}

// However a key is printed, the private number is not in it.
func TestKeyIsNotPrinted(t *testing.T) {
	key, text := newKey(t)
	block, _ := pem.Decode(text)
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := parsed.(*ecdsa.PrivateKey).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	number := new(big.Int).SetBytes(raw)
	marks := []string{number.String(), hex.EncodeToString(raw), base64.StdEncoding.EncodeToString(raw)[:20], fmt.Sprint(raw)}
	asJSON, err := json.Marshal([]any{key})
	if err != nil && !strings.Contains(err.Error(), "unsupported") {
		t.Fatal(err)
	}
	printed := fmt.Sprint(key, &key, string(asJSON))
	for _, verb := range []string{"%+v", "%#v", "%s", "%d", "%x", "%q"} {
		printed += fmt.Sprintf(verb, any(key)) + fmt.Sprintf(verb, any(&key))
	}
	for _, mark := range marks {
		if strings.Contains(printed, mark) {
			t.Errorf("%q is in %s", mark, printed)
		}
	}
	if signed := sign(t, newStatement(t, repository, digest, "u"), key); bytes.Contains(signed, raw) {
		t.Error("it is in the receipt")
	}
}
