package receipt

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/comptech-lab/quay-push/pkg/dockerconfig"
)

// Options are those by which go-containerregistry asks the registry at host, and no other, through transport. With the zero credential
// nobody asks by name.
func Options(transport http.RoundTripper, host string, credential dockerconfig.Credential) []remote.Option {
	options := []remote.Option{remote.WithTransport(oneHost{host, transport})}
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

// oneHost sends requests to host alone and over TLS alone: the credential goes to a token service elsewhere only if somebody
// forged the registry's answer, or by a setting that push-image does not follow either.
type oneHost struct {
	host string
	next http.RoundTripper
}

func (o oneHost) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" || r.URL.Host != o.host {
		return nil, fmt.Errorf("the registry sends its clients to %s://%s, and the credential goes to https://%s alone", r.URL.Scheme, r.URL.Host, o.host)
	}
	return o.next.RoundTrip(r)
}
