package tenant

import (
	"errors"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
)

const internal = "image-registry.openshift-image-registry.svc:5000"

func fromRegistry(source string) Request {
	return Request{
		Name: "push", Namespace: "apps-payments-checkout", Image: host + "/team-payments/checkout", Source: source,
		NamespaceLabels: map[string]string{"apps.platform/team": "payments"},
	}
}

func withInternal() Convention {
	c := platform()
	c.InternalRegistries = []string{internal}
	return c
}

func TestSourceOfTheNamespace(t *testing.T) {
	for _, source := range []string{
		"", "image", "docker-archive:image.tar", "oci:../image", "image-amd64,image-arm64", "oci:a, docker-archive:b", ",", "a,",
		"docker://" + internal + "/apps-payments-checkout/app", "docker://" + internal + "/apps-payments-checkout/app/sub-path:v1",
		"docker://" + internal + "/apps-payments-checkout/app@sha256:" + strings.Repeat("0a", 32),
	} {
		if _, err := withInternal().Decide(fromRegistry(source)); err != nil {
			t.Errorf("%q: %v", source, err)
		}
	}
}

// Whatever could be read as another namespace's image, or another registry's, is refused before a credential is touched.
func TestSourceOutsideNamespace(t *testing.T) {
	for _, source := range []string{
		"docker://", "docker:///", "docker://" + internal, "docker://" + internal + "/apps-payments-checkout", "docker://" + internal + "/apps-payments-checkout/",
		"docker://" + internal + "/apps-platform-sample/app", "docker://" + internal + "//apps-payments-checkout/app",
		"docker://" + internal + "/apps-payments-checkout/../apps-platform-sample/app", "docker://" + internal + "/apps-payments-checkout/./app",
		"docker://" + internal + "/apps-payments-checkout/%2e%2e/app", "docker://" + internal + "/apps-payments-checkout-2/app",
		"docker://" + internal + "/apps-payments-checkout/app:v1:v2", "docker://" + internal + "/apps-payments-checkout/app:", "docker://" + internal + "/apps-payments-checkout/app@",
		"docker://" + internal + "/apps-payments-checkout/app@sha256:" + strings.Repeat("0A", 32), "docker://" + internal + "/apps-payments-checkout/app:v1@sha256:" + strings.Repeat("0a", 32),
		"docker://" + internal + "/apps-payments-checkout/App", "docker://" + internal + "/apps-payments-checkout/a b", "docker://" + internal + "/apps-payments-checkout/app\n--plain-http",
		"docker://user@" + internal + "/apps-payments-checkout/app", "docker://" + internal + ".example.com/apps-payments-checkout/app",
		// One that hides among others, or behind white space, is found, whoever's it is.
		"image,docker://" + internal + "/apps-platform-sample/app", "image, docker://" + internal + "/apps-payments-checkout/app",
		"docker://" + internal + "/apps-payments-checkout/app,image", "docker://" + internal + "/apps-payments-checkout/app,", "image,\n\tdocker://x",
		" docker://" + internal + "/apps-payments-checkout/app", "docker://" + internal + "/apps-payments-checkout/app ",
		"docker://" + host + "/apps-payments-checkout/app", "docker://apps-payments-checkout/app",
		"docker://" + internal + "/apps-payments-checkout/" + strings.Repeat("a", 300),
	} {
		_, err := withInternal().Decide(fromRegistry(source))
		var refusal *Refusal
		if !errors.As(err, &refusal) || refusal.Reason != v1alpha1.ReasonSourceOutsideNamespace || refusal.Rule != RuleSource || refusal.Allow == "" {
			t.Errorf("%q: %v, want a refusal by rule %s", source, err, RuleSource)
		}
	}
}

// Without a list there is no registry to push from, and in a shared namespace nothing is one team's.
func TestSourceNeedsARegistryAndANamespace(t *testing.T) {
	source := "docker://" + internal + "/openshift-pipelines/app"
	_, err := platform().Decide(fromRegistry(source))
	if err == nil || !strings.Contains(err.Error(), "internal-registries") {
		t.Errorf("without a list: %v", err)
	}
	shared := fromRegistry(source)
	shared.Namespace, shared.NamespaceLabels, shared.Guarded = "openshift-pipelines", nil, true
	shared.Owner, shared.Run = &Owner{"run", "uid"}, &Run{UID: "uid", Labels: map[string]string{"apps.platform/team": "payments"}, Children: []string{"push"}}
	if _, err := withInternal().Decide(shared); err == nil || !strings.Contains(err.Error(), "is shared") {
		t.Errorf("in a shared namespace: %v", err)
	}
	shared.Source = "image"
	if _, err := withInternal().Decide(shared); err != nil {
		t.Errorf("from a workspace: %v", err)
	}
}

// The image is looked at first: who may not push there learns nothing else.
func TestImageBeforeSource(t *testing.T) {
	r := fromRegistry("docker://elsewhere.example.com/x/y")
	r.Image = host + "/team-platform/sample"
	var refusal *Refusal
	if _, err := withInternal().Decide(r); !errors.As(err, &refusal) || refusal.Rule != RuleImage {
		t.Errorf("%v, want rule %s", err, RuleImage)
	}
}
