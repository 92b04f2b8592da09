package provenance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/dockerconfig"
)

// pushed returns a Quay with an image in team-a/app:v1, that image, and the credential of a robot that may read it.
func pushed(t *testing.T) (q *quaytest.Quay, i Image, credential dockerconfig.Credential, token string) {
	t.Helper()
	q = quaytest.Start(t)
	q.AddOrganization("team-a")
	q.AddRepository("team-a", "app")
	token = q.AddRobot("team-a", "ci")
	q.Grant("team-a/app", "team-a+ci", quaytest.Write)
	content, err := random.Image(1000, 1)
	if err != nil {
		t.Fatal(err)
	}
	i = Image{Repository: q.Host() + "/team-a/app", Tag: "v1"}
	put(t, q, token, i.Repository+":"+i.Tag, content)
	digest, err := content.Digest()
	if err != nil {
		t.Fatal(err)
	}
	i.Digest = digest.String()
	config, err := dockerconfig.Parse(q.Dockerconfig("team-a+ci"))
	if err != nil {
		t.Fatal(err)
	}
	match, err := config.For(q.Host(), "team-a/app")
	if err != nil {
		t.Fatal(err)
	}
	q.ForgetRequests()
	return q, i, match.Credential, token
}

func put(t *testing.T, q *quaytest.Quay, token, ref string, content v1.Image) {
	t.Helper()
	tag, err := name.NewTag(ref)
	if err != nil {
		t.Fatal(err)
	}
	options := []remote.Option{remote.WithTransport(q.Client().Transport), remote.WithAuth(&authn.Basic{Username: "team-a+ci", Password: token})}
	if err := remote.Write(tag, content, options...); err != nil {
		t.Fatal(err)
	}
}

func verifier(q *quaytest.Quay) Verifier { return Verifier{Transport: q.Client().Transport} }

func TestVerify(t *testing.T) {
	q, i, credential, _ := pushed(t)
	if err := verifier(q).Verify(t.Context(), i, credential); err != nil {
		t.Fatal(err)
	}
	// Where are tokens, a token, the digest, the tag.
	if n := len(q.Requests()); n != 4 {
		t.Errorf("%d requests, want 4", n)
	}
	for _, r := range q.Requests() {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			t.Errorf("%s %s", r.Method, r.Path)
		}
	}
}

// What the registry says against the results is final.
func TestVerifyUnproven(t *testing.T) {
	q, i, credential, token := pushed(t)
	const absent = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	another, err := random.Image(1000, 1)
	if err != nil {
		t.Fatal(err)
	}
	put(t, q, token, i.Repository+":moved", another)
	for says, image := range map[string]Image{
		"does not have " + i.Repository + "@" + absent: {i.Repository, "v1", absent},
		"does not have " + i.Repository + ":v2":        {i.Repository, "v2", i.Digest},
		"not what was pushed":                          {i.Repository, "moved", i.Digest},
		"no repository":                                {q.Host() + "/Team", "v1", i.Digest},
	} {
		err := verifier(q).Verify(t.Context(), image, credential)
		if u := (*Unproven)(nil); !errors.As(err, &u) || !strings.Contains(err.Error(), says) {
			t.Errorf("Verify(%v) = %v, want it unproven and to say %q", image, err, says)
		}
	}
}

// What says nothing of the image is worth another try, ends in time, and never tells the token.
func TestVerifyTriesAgain(t *testing.T) {
	for name, effect := range map[string]quaytest.Effect{
		"a registry that is down": func(_ *quaytest.Quay, w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.WriteHeader(http.StatusServiceUnavailable)
		},
		"a token that is burnt": func(_ *quaytest.Quay, w http.ResponseWriter, r *http.Request, _ http.Handler) {
			w.WriteHeader(http.StatusUnauthorized)
			user, password, _ := r.BasicAuth()
			_ = json.NewEncoder(w).Encode(map[string]any{"errors": []map[string]string{{"code": "UNAUTHORIZED", "message": user + password + r.Header.Get("Authorization")}}})
		},
		"another host's token service": func(_ *quaytest.Quay, w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="https://auth.invalid/token",service="x"`)
			w.WriteHeader(http.StatusUnauthorized)
		},
		"a token service without TLS": func(q *quaytest.Quay, w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="x"`, q.Host()))
			w.WriteHeader(http.StatusUnauthorized)
		},
		"a redirect": func(_ *quaytest.Quay, w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.Header().Set("Location", "https://127.0.0.1:1/v2/")
			w.WriteHeader(http.StatusTemporaryRedirect)
		},
		"a registry that hangs": func(_ *quaytest.Quay, _ http.ResponseWriter, r *http.Request, _ http.Handler) { <-r.Context().Done() },
	} {
		t.Run(name, func(t *testing.T) {
			q, i, credential, token := pushed(t)
			q.Faults.Add(quaytest.Fault{Name: "fault", Times: -1, Effect: effect})
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			sent := &hosts{next: q.Client().Transport}
			err := Verifier{Transport: sent}.Verify(ctx, i, credential)
			if sent.other(q.URL()) {
				t.Errorf("requests went to %q", sent.all)
			}
			if u := (*Unproven)(nil); err == nil || errors.As(err, &u) {
				t.Errorf("Verify = %v, want an error to try again after", err)
			}
			if text := fmt.Sprintf("%v %+v", err, err); strings.Contains(text, token) || strings.Contains(text, strings.TrimPrefix(credential.Authorization().Reveal(), "Basic ")) {
				t.Errorf("the token is in %s", text)
			}
		})
	}
}

// hosts records where requests go. It is for one request at a time.
type hosts struct {
	next http.RoundTripper
	all  []string
}

func (h *hosts) RoundTrip(r *http.Request) (*http.Response, error) {
	h.all = append(h.all, r.URL.Scheme+"://"+r.URL.Host)
	return h.next.RoundTrip(r)
}

// other reports whether a request went elsewhere than to url.
func (h *hosts) other(url string) bool {
	return len(h.all) == 0 || slices.ContainsFunc(h.all, func(to string) bool { return to != url })
}
