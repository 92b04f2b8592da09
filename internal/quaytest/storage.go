package quaytest

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry/handlers"
	// The storage driver registers itself under the name "filesystem".
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
	"github.com/sirupsen/logrus"
)

// storage is the distribution registry that keeps and serves the bytes. What
// exists, for whom and until when is decided in front of it.
type storage struct {
	app *handlers.App
	dir string
}

// openStorage starts a registry whose locations are on host, in a new directory under parent.
func openStorage(parent, host string) (*storage, error) {
	silence()
	dir, err := os.MkdirTemp(parent, "quaytest-")
	if err != nil {
		return nil, fmt.Errorf("creating storage directory: %w", err)
	}
	cfg := &configuration.Configuration{
		Storage: configuration.Storage{
			"filesystem":  {"rootdirectory": dir},
			"maintenance": {"uploadpurging": map[any]any{"enabled": false}},
		},
	}
	cfg.HTTP.Host = "https://" + host
	cfg.HTTP.Secret = rand.Text()
	// What a manifest may refer to is Quay's rule, checked before it gets here.
	cfg.Validation.Disabled = true
	return &storage{app: handlers.NewApp(context.Background(), cfg), dir: dir}, nil
}

// silence turns distribution's logging off for the process: its logger is the
// standard one of logrus, and the context key to give it another is internal.
var silence = sync.OnceFunc(func() {
	logrus.SetOutput(io.Discard)
	logrus.SetLevel(logrus.PanicLevel)
})

// close stops the registry and removes its directory.
func (s *storage) close() error {
	if err := s.app.Shutdown(); err != nil {
		return fmt.Errorf("stopping registry: %w", err)
	}
	if err := os.RemoveAll(s.dir); err != nil {
		return fmt.Errorf("removing storage directory: %w", err)
	}
	return nil
}

// do runs r through the registry and returns its answer in memory. It is for
// requests with a small answer; the body of r is streamed.
func (s *storage) do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.app.ServeHTTP(w, r)
	return w
}

// putManifest stores body, whose digest is dgst, in repo and returns the
// registry's status and its answer.
func (s *storage) putManifest(ctx context.Context, repo, dgst, mediaType string, body []byte) (int, string) {
	r := internalRequest(ctx, http.MethodPut, "/v2/"+repo+"/manifests/"+dgst, bytes.NewReader(body))
	r.Header.Set("Content-Type", mediaType)
	w := s.do(r)
	return w.Code, w.Body.String()
}

// manifest reads the manifest dgst of repo.
func (s *storage) manifest(ctx context.Context, repo, dgst string) ([]byte, bool) {
	r := internalRequest(ctx, http.MethodGet, "/v2/"+repo+"/manifests/"+dgst, nil)
	r.Header.Set("Accept", strings.Join(mediaTypes, ","))
	w := s.do(r)
	return w.Body.Bytes(), w.Code == http.StatusOK
}

// blob reads the blob dgst of repo, which should be small, such as an image config.
func (s *storage) blob(ctx context.Context, repo, dgst string) ([]byte, bool) {
	w := s.do(internalRequest(ctx, http.MethodGet, "/v2/"+repo+"/blobs/"+dgst, nil))
	return w.Body.Bytes(), w.Code == http.StatusOK
}

// internalRequest is a request that no client sent.
func internalRequest(ctx context.Context, method, path string, body io.Reader) *http.Request {
	r, err := http.NewRequestWithContext(ctx, method, path, body)
	if err != nil {
		panic(fmt.Sprintf("building internal request: %v", err))
	}
	return r
}
