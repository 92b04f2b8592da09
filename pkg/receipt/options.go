package receipt

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/comptech-lab/quay-push/pkg/dockerconfig"
)

// Options are those by which go-containerregistry asks the registry at host, and no other, through transport. With the zero credential
// nobody asks by name. Of an answer 4 MiB are read.
func Options(transport http.RoundTripper, host string, credential dockerconfig.Credential) []remote.Option {
	return options(transport, host, credential, maxAnswer)
}

// LargeOptions are Options by which 64 MiB of an answer are read, for who does not work for others at the same time.
func LargeOptions(transport http.RoundTripper, host string, credential dockerconfig.Credential) []remote.Option {
	return options(transport, host, credential, maxLargeAnswer)
}

func options(transport http.RoundTripper, host string, credential dockerconfig.Credential, limit int) []remote.Option {
	options := []remote.Option{remote.WithTransport(oneHost{host, transport, limit})}
	if credential.Authorization().IsZero() {
		return options
	}
	return append(options, remote.WithAuth(basic{credential}))
}

// basic hands the credential to go-containerregistry.
type basic struct{ credential dockerconfig.Credential }

func (b basic) Authorization() (*authn.AuthConfig, error) {
	return &authn.AuthConfig{Auth: strings.TrimPrefix(b.credential.Authorization().Reveal(), "Basic ")}, nil
}

// How many bytes of one answer are read. The largest is the list of an image's referrers, of which whoever may push leaves as many, with
// annotations as long, as they like: go-containerregistry alone would read 100 MiB, more than a controller has room for. The first is
// enough for some ten thousand receipts.
const (
	maxAnswer      = 4 << 20
	maxLargeAnswer = 64 << 20
)

// tooMuch is what reading more than that says.
type tooMuch struct{ limit int }

func (e tooMuch) Error() string {
	return fmt.Sprintf("the registry's answer has more than %d MiB: let somebody delete what refers to the image and is none of its receipts", e.limit>>20)
}

// oneHost sends requests to host alone and over TLS alone: the credential goes to a token service elsewhere only if somebody
// forged the registry's answer, or by a setting that push-image does not follow either.
type oneHost struct {
	host  string
	next  http.RoundTripper
	limit int
}

func (o oneHost) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" || r.URL.Host != o.host {
		return nil, fmt.Errorf("the registry sends its clients to %s://%s, and the credential goes to https://%s alone", r.URL.Scheme, r.URL.Host, o.host)
	}
	answer, err := o.next.RoundTrip(r)
	if err == nil {
		answer.Body = &bounded{ReadCloser: answer.Body, left: o.limit, limit: o.limit}
	}
	return answer, err
}

// bounded is a body that ends in tooMuch where it is too large.
type bounded struct {
	io.ReadCloser
	left, limit int
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, tooMuch{b.limit}
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left+1)])
	if b.left -= n; b.left < 0 {
		return 0, tooMuch{b.limit}
	}
	return n, err
}
