package gitops

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var errNoNetwork = errors.New("there is no network")

// dialled returns the addresses that looking at a repository connects to.
func dialled(t *testing.T, repository, origin string) []string {
	t.Helper()
	client, connections := newClient(origin, nil)
	var addresses []string
	connections.Proxy = nil
	connections.DialContext = func(_ context.Context, _, address string) (net.Conn, error) {
		addresses = append(addresses, address)
		return nil, errNoNetwork
	}
	if _, err := (remote{url: repository, client: client}).look(context.Background(), "main", "ci/dev/x"); !errors.Is(err, errNoNetwork) {
		t.Errorf("looking at %q: error is %v", repository, err)
	}
	return addresses
}

// checkHost reports an accepted URL that connects to another host than stands between https:// and the next slash.
func checkHost(t *testing.T, repository string) {
	t.Helper()
	var c change
	if err := (&Options{Repository: repository}).checkRepository(&c); err != nil {
		return
	}
	host, _, found := strings.Cut(strings.TrimPrefix(repository, "https://"), "/")
	if !found || c.origin != "https://"+host {
		t.Fatalf("the origin of %q is %q", repository, c.origin)
	}
	want := host
	if !strings.Contains(host, ":") {
		want += ":443"
	}
	if diff := cmp.Diff([]string{want}, dialled(t, repository, c.origin)); diff != "" {
		t.Errorf("%q connects to (-want +got):\n%s", repository, diff)
	}
}

func TestRepositoryHost(t *testing.T) {
	for repository, accepted := range map[string]bool{
		"https://good.example.com/x.git":                       true,
		"https://good.example.com:8443/a/b/c.git":              true,
		"https://good.example.com/_git/My%20Project/~user/x+y": true,
		"https://10.0.0.1/x":                                   true,
		"https://good.example.com//evil.example.com/x":         true,
		"https://good.example.com/../x":                        true,
		"https://good.example.com":                             false,
		"https://good.example.com/":                            false,
		"https://good.example.com@evil.example.com/x":          false,
		"https://good.example.com:x@evil.example.com/x":        false,
		"https://good.example.com/@evil.example.com/x":         false,
		`https://good.example.com\@evil.example.com/x`:         false,
		`https://good.example.com/\@evil.example.com/x`:        false,
		"https://good.example.com#@evil.example.com/x":         false,
		"https://good.example.com/#@evil.example.com/x":        false,
		"https://good.example.com?@evil.example.com/x":         false,
		"https://good.example.com/x?y":                         false,
		"https://good.example.com;evil.example.com/x":          false,
		"https://Good.example.com/x":                           false,
		"HTTPS://good.example.com/x":                           false,
		"https://good.example.com./x":                          false,
		"https://.good.example.com/x":                          false,
		"https://good%2eexample.com/x":                         false,
		"https://good.example.com%2f@evil.example.com/x":       false,
		"https://good.example.com/%2f%2fevil.example.com":      false,
		"https://good.example.com/%0d%0aHost:evil.example.com": false,
		"https://gооd.example.com/x":                           false, // Cyrillic.
		"https://good。example.com/x":                           false,
		"https://[::1]/x":                                      false,
		"https://good.example.com:443/x":                       false,
		"https://good.example.com:0443/x":                      false,
		"https://good.example.com:/x":                          false,
		"https://good.example.com:8443:1/x":                    false,
		"https:good.example.com/x":                             false,
		"https:/good.example.com/x":                            false,
		"https:///good.example.com/x":                          false,
		" https://good.example.com/x":                          false,
		"https://good.example.com/x ":                          false,
		"https://good.example.com/x\n":                         false,
		"https://good.example.com/x\n@evil.example.com/y":      false,
		"https://good.example.com\t/x":                         false,
		"https://good.example.com/\x00x":                       false,
		"http://good.example.com/x":                            false,
		"ssh://good.example.com/x":                             false,
		"file:///good.example.com/x":                           false,
		"ext::sh -c id https://good.example.com/x":             false,
		"good.example.com:x":                                   false,
	} {
		err := (&Options{Repository: repository}).checkRepository(&change{})
		if (err == nil) != accepted {
			t.Errorf("%q: error is %v", repository, err)
		}
		if err != nil && strings.Contains(err.Error(), "evil") {
			t.Errorf("the error quotes what may hold a password: %v", err)
		}
		checkHost(t, repository)
	}
}

// For every URL that is accepted, what a policy reads as its host is what the step connects to.
func FuzzRepositoryHost(f *testing.F) {
	for _, seed := range []string{
		"https://good.example.com/x.git", "https://good.example.com:8443/x", "https://a@b/c", `https://a\@b/c`, "https://a#@b/c", "https://a:443/c", "https://a/%20", "https://1.2.3.4/x",
	} {
		f.Add(seed)
	}
	f.Fuzz(checkHost)
}
