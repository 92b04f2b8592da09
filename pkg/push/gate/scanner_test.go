package gate

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/dockerconfig"
	"github.com/comptech-lab/quay-push/pkg/push/credential"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/verdict"
)

// broken is a connection that tells in its error what it was to send.
type broken struct{}

func (broken) RoundTrip(r *http.Request) (*http.Response, error) {
	return nil, fmt.Errorf("you sent %s", r.Header.Get("Authorization"))
}

// Wherever a server, or what is in front of it, repeats what it was sent, nothing of the credential gets into an error.
func TestScannerHidesTheCredential(t *testing.T) {
	const robot = "team-payments+ci"
	auth := base64.StdEncoding.EncodeToString([]byte(robot + ":ATOKENTHATNOBODYMAYSEE"))
	file, err := dockerconfig.Parse([]byte(`{"auths":{"quay.test":{"auth":"` + auth + `"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	entry, err := file.For("quay.test", "team-payments/app")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		status       int
		header, body string
		transport    http.RoundTripper
		told         bool
	}{
		"a message":     {status: 403, body: `{"error_message": "you sent %s"}`, told: true},
		"another one":   {status: 500, body: `{"message": "you sent %s"}`, told: true},
		"a code":        {status: 500, body: `{"error_type": "you sent %s"}`, told: true},
		"a page":        {status: 502, body: "<html><title>you sent %s</title></html>", told: true},
		"a header":      {status: 500, header: "you sent %s"},
		"no connection": {transport: broken{}, told: true},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			sent := r.Header.Get("Authorization")
			if sent != "Basic "+auth {
				t.Errorf("%s: the server was sent %q", name, sent)
			}
			if test.header != "" {
				w.Header().Set("Server", fmt.Sprintf(test.header, sent))
			}
			w.WriteHeader(test.status)
			if test.body != "" {
				fmt.Fprintf(w, test.body, sent)
			}
		}))
		base, err := url.Parse(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		client := server.Client()
		if test.transport != nil {
			client.Transport = test.transport
		}
		s := Scanner{Client: client, Base: *base, Repository: "team-payments/app", Robot: robot, Credential: credential.Entry{Match: entry}}
		_, err = s.Ask(t.Context(), "sha256:"+strings.Repeat("a", 64), func(verdict.Vulnerability) error { return nil })
		if err == nil {
			t.Fatalf("%s: no error", name)
		}
		text := fmt.Sprintf("%v %+v %#v", err, err, err)
		if a := (*failure.Answer)(nil); errors.As(err, &a) {
			text += fmt.Sprintf("%+v", *a)
		}
		if strings.Contains(text, auth) || test.told && !strings.Contains(text, "you sent") {
			t.Errorf("%s: %s", name, text)
		}
		server.Close()
	}
}
