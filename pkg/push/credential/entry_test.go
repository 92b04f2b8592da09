package credential_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/push/credential"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

const flag = "--dockerconfig"

// An entry is the credential for good, and what is to be hidden.
func TestFind(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(file, []byte(`{"auths":{"quay.test":{"username":"a+b","password":"SECRET123"}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	entry, err := credential.Find(file, flag, "quay.test", "a/app")
	if err != nil {
		t.Fatal(err)
	}
	c, err := entry.Get(t.Context())
	if err != nil || c.Username != "a+b" || entry.Key != "quay.test" || c.Authorization().Reveal() != "Basic YStiOlNFQ1JFVDEyMw==" {
		t.Errorf("found %+v of entry %q, %v", c, entry.Key, err)
	}
	if all := entry.Secrets(); len(all) != 1 || strings.Contains(all[0].Redact("said SECRET123"), "SECRET123") {
		t.Errorf("%d secrets", len(all))
	}
}

// Where there is none the next step is one that helps.
func TestFindFails(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for file, want := range map[string]string{
		"":                           "name one in --dockerconfig or DOCKER_CONFIG",
		filepath.Join(dir, "none"):   "mount the Secret that --dockerconfig names there; without a key .dockerconfigjson or config.json it is of another type",
		write("empty", `{}`):         `put an entry for "quay.test" with the robot's name and token into it, or name another file in --dockerconfig`,
		write("broken", `{`):         "make the Secret anew, of type kubernetes.io/dockerconfigjson: kubectl create secret docker-registry, or the template of its ExternalSecret",
		write("helped", helped):      `make a Secret whose entry for "quay.test" has the robot's name and token: kubectl create secret docker-registry`,
		write("identity", identity):  `make a Secret whose entry for "quay.test" has the robot's name and token: kubectl create secret docker-registry`,
		strings.Repeat("/long", 999): "look at the volume that the file is on, then run it again",
	} {
		_, err := credential.Find(file, flag, "quay.test", "a/app")
		if reason := (*failure.Error)(nil); !errors.As(err, &reason) || reason.Class != failure.ClassNoCredential || reason.Next != want {
			t.Errorf("%q: error is %v, want the next step %q", file, err, want)
		}
	}
}

// Entries that a step cannot use.
const (
	helped   = `{"credHelpers":{"quay.test":"desktop"}}`
	identity = `{"auths":{"quay.test":{"identitytoken":"x"}}}`
)
