package quay_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/quay"
)

func TestFederation(t *testing.T) {
	q, c := start(t)
	const path = "/api/v1/organization/team-a/robots/ci/federation"
	cluster := quay.Trusted{Issuer: "https://issuer.example.com", Subject: "system:serviceaccount:custody:a"}
	other := quay.Trusted{Issuer: "https://issuer.example.com", Subject: "system:serviceaccount:custody:b"}
	read := func(ctx context.Context, c *quay.Client) (any, error) { return c.Federation(ctx, "team-a+ci") }
	set := func(trusted ...quay.Trusted) func(context.Context, *quay.Client) (any, error) {
		return only(func(ctx context.Context, c *quay.Client) error {
			return c.SetFederation(ctx, "team-a+ci", trusted...)
		})
	}
	const first = `{"issuer":"https://issuer.example.com","subject":"system:serviceaccount:custody:a"}`
	const second = `{"issuer":"https://issuer.example.com","subject":"system:serviceaccount:custody:b"}`
	play(t, q, c, []exchange{
		{read, []quay.Trusted{}, []string{"GET " + path}},
		{set(cluster, other), nil, []string{"POST " + path + " [" + first + "," + second + "]"}},
		{read, []quay.Trusted{cluster, other}, []string{"GET " + path}},
		{set(other), nil, []string{"POST " + path + " [" + second + "]"}},
		{read, []quay.Trusted{other}, []string{"GET " + path}},
		{only(func(ctx context.Context, c *quay.Client) error { return c.DeleteFederation(ctx, "team-a+ci") }), nil, []string{"DELETE " + path}},
		{read, []quay.Trusted{}, []string{"GET " + path}},
		{set(), nil, []string{"POST " + path + " []"}},
	})
}

// A change is sent again when its answer was lost: it makes the same list.
func TestSetFederationIsRepeated(t *testing.T) {
	q, c := start(t)
	trusted := quay.Trusted{Issuer: "https://issuer.example.com", Subject: "me"}
	q.Faults.Add(quaytest.Fault{Path: "/federation$", Method: http.MethodPost, Times: 1, Effect: quaytest.Status(502, nil, "")})
	if err := c.SetFederation(t.Context(), "team-a+ci", trusted); err != nil {
		t.Fatal(err)
	}
	got, err := c.Federation(t.Context(), "team-a+ci")
	if diff := cmp.Diff([]quay.Trusted{trusted}, got); diff != "" || err != nil {
		t.Errorf("(-want +got):\n%s%v", diff, err)
	}
}

// What is not there, what is not allowed and what this Quay does not have are three things.
func TestFederationRefused(t *testing.T) {
	calls := map[string]func(context.Context, *quay.Client, string) error{
		"reading": func(ctx context.Context, c *quay.Client, robot string) error {
			_, err := c.Federation(ctx, robot)
			return err
		},
		"setting": func(ctx context.Context, c *quay.Client, robot string) error {
			return c.SetFederation(ctx, robot, quay.Trusted{Issuer: "https://i", Subject: "s"})
		},
		"deleting": func(ctx context.Context, c *quay.Client, robot string) error { return c.DeleteFederation(ctx, robot) },
	}
	for verb, call := range calls {
		q, c := start(t)
		err := call(t.Context(), c, "team-a+gone")
		if !quay.IsNotFound(err) || errors.Is(err, quay.ErrNoFederation) || !strings.HasPrefix(err.Error(), verb+` whom robot "team-a+gone" trusts: `) {
			t.Errorf("%s, no such robot: error is %v", verb, err)
		}
		if err := call(t.Context(), connect(t, q, q.AddOAuthToken([]quaytest.Scope{quaytest.RepoAdmin})), "team-a+ci"); !quay.IsForbidden(err) || !strings.Contains(quay.Next(err), "org:admin") {
			t.Errorf("%s, no scope: error is %v", verb, err)
		}
		if err := call(t.Context(), c, "ci"); err == nil || !strings.Contains(err.Error(), `robot "ci" is not <organization>+<short name>`) {
			t.Errorf("%s, half a name: error is %v", verb, err)
		}
		q.SetBearerLogin(false)
		if err := call(t.Context(), c, "team-a+ci"); !errors.Is(err, quay.ErrNoFederation) || quay.IsNotFound(err) {
			t.Errorf("%s, an older Quay: error is %v", verb, err)
		}
	}
}

// A login or a proxy in front of Quay does not make it an older one.
func TestFederationBehindALogin(t *testing.T) {
	for name, effect := range map[string]quaytest.Effect{
		"a login":          quaytest.Status(302, http.Header{"Location": {"https://sso.example.com/"}}, ""),
		"another address":  quaytest.Status(308, http.Header{"Location": {"https://elsewhere.example.com/"}}, ""),
		"a refusal":        quaytest.Status(403, http.Header{"Content-Type": {"text/html"}}, "<p>no</p>"),
		"no organization":  quaytest.Status(404, http.Header{"Content-Type": {"application/json"}}, `{"error_type":"not_found","detail":"Not Found"}`),
		"Quay itself ends": quaytest.Status(500, nil, ""),
	} {
		q, c := start(t)
		q.Faults.Add(quaytest.Fault{Path: "/federation$", Times: -1, Effect: effect})
		if _, err := c.Federation(t.Context(), "team-a+ci"); err == nil || errors.Is(err, quay.ErrNoFederation) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}
