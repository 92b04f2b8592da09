package dockerconfig_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/dockerconfig"
)

// file returns a config with the given keys, each with a user named after it.
func file(t *testing.T, keys ...string) []byte {
	t.Helper()
	auths := map[string]any{}
	for _, key := range keys {
		auths[key] = map[string]string{"username": "user of " + strings.ReplaceAll(key, ":", ";"), "password": secret}
	}
	data, err := json.Marshal(map[string]any{"auths": auths})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestForTakesTheLongestPrefix(t *testing.T) {
	tests := []struct {
		keys       []string
		host, repo string
		want       string
	}{
		{[]string{"q.io", "q.io/team-a", "q.io/team-a/app"}, "q.io", "team-a/app", "q.io/team-a/app"},
		{[]string{"q.io", "q.io/team-a", "q.io/team-a/app"}, "q.io", "team-a/other", "q.io/team-a"},
		{[]string{"q.io", "q.io/team-a"}, "q.io", "team-a/deep/er/app", "q.io/team-a"},
		{[]string{"q.io", "q.io/team-a"}, "q.io", "team-ab/app", "q.io"},
		{[]string{"q.io/team-a/ap"}, "q.io", "team-a/app", ""},
		{[]string{"q.io"}, "q.io:8443", "team-a/app", ""},
		{[]string{"q.io:8443"}, "q.io:8443", "team-a/app", "q.io:8443"},
		{[]string{"q.io:8443"}, "q.io", "team-a/app", ""},
		{[]string{"io"}, "q.io", "team-a/app", ""},
		{[]string{"https://q.io/v1/"}, "q.io", "team-a/app", "https://q.io/v1/"},
		{[]string{"https://q.io/v2/"}, "q.io", "team-a/app", "https://q.io/v2/"},
		{[]string{"http://q.io"}, "q.io", "team-a/app", "http://q.io"},
		{[]string{"q.io/"}, "q.io", "team-a/app", "q.io/"},
		{[]string{"https://q.io/team-a/"}, "q.io", "team-a/app", "https://q.io/team-a/"},
		{[]string{"q.io", "https://q.io/v2/"}, "q.io", "team-a/app", "q.io"},
		{[]string{""}, "q.io", "team-a/app", ""},
		{[]string{"*.io", "*"}, "q.io", "team-a/app", ""},
		{nil, "q.io", "team-a/app", ""},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%q for %s/%s", test.keys, test.host, test.repo), func(t *testing.T) {
			config, err := dockerconfig.Parse(file(t, test.keys...))
			if err != nil {
				t.Fatal(err)
			}
			match, err := config.For(test.host, test.repo)
			if test.want == "" {
				if !errors.Is(err, dockerconfig.ErrNoEntry) {
					t.Errorf("For = %+v, %v, want ErrNoEntry", match, err)
				}
				return
			}
			if err != nil || match.Key != test.want {
				t.Errorf("For = %q, %v, want %q", match.Key, err, test.want)
			}
			if want := "user of " + strings.ReplaceAll(test.want, ":", ";"); match.Credential.Username != want {
				t.Errorf("Username = %q, want %q", match.Credential.Username, want)
			}
		})
	}
}

func TestForDoesNotFallBackFromABadEntry(t *testing.T) {
	config, err := dockerconfig.Parse([]byte(`{"auths":{"q.io/team-a":{},"q.io":{"username":"wide","password":"x"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if match, err := config.For("q.io", "team-a/app"); !errors.Is(err, dockerconfig.ErrInvalid) {
		t.Errorf("For = %+v, %v, want ErrInvalid", match, err)
	}
}

func TestForRefusesTwoLegacyKeys(t *testing.T) {
	config, err := dockerconfig.Parse(file(t, "https://q.io/v1/", "https://q.io/v2/"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := config.For("q.io", "team-a/app"); !errors.Is(err, dockerconfig.ErrInvalid) || !strings.Contains(err.Error(), "both for") {
		t.Errorf("For = %v, want ErrInvalid", err)
	}
}

func TestNoEntryTellsTheRegistriesAndNoSecret(t *testing.T) {
	config, err := dockerconfig.Parse(file(t, "a.io", "b.io", "c.io/x", "d.io", "e.io", "f.io:5000", secret, "o+ci:"+secret))
	if err != nil {
		t.Fatal(err)
	}
	_, err = config.For("q.io", "team-a/app")
	if err == nil || !strings.Contains(err.Error(), `"c.io/x"`) || !strings.Contains(err.Error(), "and 1 more") {
		t.Errorf("For = %v, want the keys", err)
	}
	if err != nil && strings.Contains(err.Error(), secret) {
		t.Errorf("a key that is no registry is shown: %v", err)
	}
	few, _ := dockerconfig.Parse(file(t, "a.io"))
	if _, err := few.For("q.io", ""); err == nil || !strings.HasSuffix(err.Error(), `the file has entries for ["a.io"]`) {
		t.Errorf("For = %v", err)
	}
	if _, err := (dockerconfig.Config{}).For("q.io", ""); err == nil || !strings.Contains(err.Error(), "none for any registry") {
		t.Errorf("For = %v", err)
	}
}

func TestRead(t *testing.T) {
	write := func(t *testing.T, name string, content []byte) string {
		directory := t.TempDir()
		if err := os.WriteFile(filepath.Join(directory, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
		return directory
	}
	good := file(t, "q.io")
	for _, path := range []string{
		write(t, "config.json", good),
		write(t, ".dockerconfigjson", good),
		filepath.Join(write(t, "any", good), "any"),
	} {
		config, err := dockerconfig.Read(path)
		if err != nil {
			t.Errorf("Read(%q): %v", path, err)
			continue
		}
		if _, err := config.For("q.io", ""); err != nil {
			t.Error(err)
		}
	}
	if _, err := dockerconfig.Read(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Read of no file = %v", err)
	}
	if _, err := dockerconfig.Read(t.TempDir()); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), ".dockerconfigjson") {
		t.Errorf("Read of an empty directory = %v", err)
	}
	if _, err := dockerconfig.Read(write(t, "config.json", []byte("{"))); !errors.Is(err, dockerconfig.ErrInvalid) || !strings.Contains(err.Error(), "config.json") {
		t.Errorf("Read of broken JSON = %v", err)
	}
	if _, err := dockerconfig.Read(write(t, ".dockercfg", good)); !errors.Is(err, dockerconfig.ErrInvalid) || !strings.Contains(err.Error(), "legacy .dockercfg") {
		t.Errorf("Read of a Secret of the older type = %v", err)
	}
	big := write(t, "config.json", []byte(strings.Repeat(" ", 2*dockerconfig.MaxSize)))
	if _, err := dockerconfig.Read(big); !errors.Is(err, dockerconfig.ErrInvalid) {
		t.Errorf("Read of a big file = %v", err)
	}
}

// What else a file is for is told, but no key that could be a secret in the wrong place.
func TestBesides(t *testing.T) {
	for text, want := range map[string]string{
		`{"auths":{"q.io":{"auth":"dTpw"}}}`:                                                                   `[]`,
		`{"auths":{"q.io":{"auth":"dTpw"},"ghcr.io":{"auth":"dTpw"},"q.io/other":{"auth":"x"}}}`:               `["ghcr.io" "q.io/other"]`,
		`{"auths":{"q.io":{"auth":"dTpw"}},"credHelpers":{"gcr.io":"gcloud"}}`:                                 `["gcr.io"]`,
		`{"auths":{"q.io":{"auth":"dTpw"},"` + secret + `":{"auth":"dTpw"},"https://index.docker.io/v1/":{}}}`: fmt.Sprintf(`["a key of %d bytes that is no registry" "https://index.docker.io/v1/"]`, len(secret)),
	} {
		config, err := dockerconfig.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%q", config.Besides("q.io")); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
