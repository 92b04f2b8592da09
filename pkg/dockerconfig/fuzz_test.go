package dockerconfig_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/dockerconfig"
)

// FuzzParse parses anything as a dockerconfig, and looks into it for anything.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"auths":{"quay.test":{"auth":"`+auth("team-a+ci", secret)+`"}}}`), "quay.test", "team-a/app")
	f.Add([]byte(`{"auths":{"https://quay.test/v1/":{"username":"a","password":"b"},"quay.test/v2/":{}}}`), "quay.test", "")
	f.Add([]byte(`{"credsStore":"x","auths":null}`), "", "/")
	f.Add([]byte(`{"auths":{"quay.test":{"identitytoken":"x"}},"auths":{}}`), "quay.test", "a/b/c")
	f.Fuzz(func(t *testing.T, data []byte, host, repository string) {
		config, err := dockerconfig.Parse(data)
		if err == nil {
			_, err = config.For(host, repository)
		}
		if err != nil && !errors.Is(err, dockerconfig.ErrInvalid) && !errors.Is(err, dockerconfig.ErrHelper) &&
			!errors.Is(err, dockerconfig.ErrUnsupported) && !errors.Is(err, dockerconfig.ErrNoEntry) {
			t.Errorf("the error wraps none of the package's: %v", err)
		}
	})
}

// FuzzCredential puts any user and password under any key. Either they come back, or an error; printed is the password never.
func FuzzCredential(f *testing.F) {
	f.Add("quay.test", "team-a+ci", "password", true)
	f.Add("quay.test/team-a", "$oauthtoken", "a:b", false)
	f.Add("https://quay.test/v2/", "", "\n", true)
	f.Fuzz(func(t *testing.T, key, user, part string, encoded bool) {
		// It has to differ from all that may be printed.
		password := secret + part
		entry := map[string]string{"username": user, "password": password}
		if encoded {
			entry = map[string]string{"auth": auth(user, password)}
		}
		data, err := json.Marshal(map[string]any{"auths": map[string]any{key: entry}})
		if err != nil {
			t.Fatal(err)
		}
		config, err := dockerconfig.Parse(data)
		host, repository, _ := strings.Cut(key, "/")
		var match dockerconfig.Match
		if err == nil {
			match, err = config.For(host, repository)
		}
		said := fmt.Sprintf("%v %+v %#v %v %+v %#v %v", config, config, config, match, match, match, err)
		if strings.Contains(said, secret) && !strings.Contains(key+user, secret) {
			t.Errorf("the password is in %q", said)
		}
		if err != nil {
			return
		}
		if encoded {
			password = strings.TrimRight(password, "\x00") // As Docker does.
		}
		want := "Basic " + auth(user, password)
		if got := match.Credential.Authorization().Reveal(); got != want && json.Valid(data) && validUTF8(user, password) {
			t.Errorf("Authorization = %q, want %q", got, want)
		}
	})
}

// validUTF8 reports whether JSON carries the texts as they are.
func validUTF8(texts ...string) bool {
	for _, text := range texts {
		if strings.ToValidUTF8(text, "") != text {
			return false
		}
	}
	return true
}
