package cafile_test

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/comptech-lab/quay-push/internal/certificate"
	"github.com/comptech-lab/quay-push/pkg/cafile"
)

// file writes a new file with content.
func file(t *testing.T, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ca.crt")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A server whose authority is in the file is trusted, wherever in the file it stands.
func TestPool(t *testing.T) {
	server, err := certificate.New("quay.test")
	if err != nil {
		t.Fatal(err)
	}
	other, err := certificate.New("other.test")
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(server.Certificate)
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		content []byte
		trusted bool
	}{
		"its own":            {server.CA, true},
		"after another":      {append(append([]byte("# comment\n"), other.CA...), server.CA...), true},
		"that of another":    {other.CA, false},
		"beside what is not": {append([]byte("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"), server.CA...), true},
	} {
		pool, err := cafile.Pool(file(t, test.content))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err := leaf.Verify(x509.VerifyOptions{DNSName: "quay.test", Roots: pool}); (err == nil) != test.trusted {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A file without a certificate is told apart by what it has instead.
func TestPoolEmpty(t *testing.T) {
	server, err := certificate.New("quay.test")
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(server.CA)
	for name, test := range map[string]struct {
		content []byte
		want    string
	}{
		"nothing":    {[]byte(" \n"), ": it is empty"},
		"DER":        {block.Bytes, ": it is DER"},
		"text":       {[]byte("hello"), ": it is not PEM"},
		"a key":      {server.Key, `, but "PRIVATE KEY"`},
		"a long one": {[]byte("-----BEGIN 0123456789012345678901234567890123456789 AND MORE-----\nAAAA\n-----END 0123456789012345678901234567890123456789 AND MORE-----\n"), `, but "0123456789012345678901234567890123456789"`},
		"a bad one":  {[]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), " that can be read"},
	} {
		path := file(t, test.content)
		_, err := cafile.Pool(path)
		empty := (*cafile.Empty)(nil)
		if !errors.As(err, &empty) || err.Error() != `"`+path+`" has no PEM certificate`+test.want {
			t.Errorf("%s: %v", name, err)
		} else if empty.DER != (name == "DER") {
			t.Errorf("%s: DER is %v", name, empty.DER)
		}
	}
}

func TestPoolUnreadable(t *testing.T) {
	if _, err := cafile.Pool("/none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := cafile.Pool(t.TempDir()); err == nil {
		t.Error("a directory is read")
	}
}
