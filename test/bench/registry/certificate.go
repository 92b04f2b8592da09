package registry

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/comptech-lab/quay-push/internal/certificate"
)

// WriteCertificates makes an authority and a certificate of 127.0.0.1 that it signed. It leaves ca.crt, server.crt and server.key
// in dir and returns the path of the first.
func WriteCertificates(dir string) (caFile string, err error) {
	server, err := certificate.New("127.0.0.1")
	if err != nil {
		return "", err
	}
	write := func(name string, content []byte) error { return os.WriteFile(filepath.Join(dir, name), content, 0o600) }
	return filepath.Join(dir, "ca.crt"), errors.Join(
		write("ca.crt", server.CA), write("server.crt", server.Certificate), write("server.key", server.Key))
}
