package dockerconfig_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/comptech-lab/quay-push/pkg/dockerconfig"
)

// A helper has the credential of the registry that it is named for, and of no other one.
func TestHelpers(t *testing.T) {
	tests := []struct {
		helpers, host string
		refused       bool
	}{
		{`{"gcr.io":"gcloud","123456789012.dkr.ecr.eu-west-1.amazonaws.com":"ecr-login"}`, "q.io", false},
		{`{}`, "q.io", false},
		{`{"q.io":""}`, "q.io", false},
		{`{"q.io:8443":"x"}`, "q.io", false},
		{`{"io":"x"}`, "q.io", false},
		{`{"q.io":"x"}`, "q.io", true},
		{`{"gcr.io":"gcloud","q.io":"x"}`, "q.io", true},
		{`{"https://q.io/v2/":"x"}`, "q.io", true},
		{`{"q.io:8443":"x"}`, "q.io:8443", true},
	}
	for _, test := range tests {
		file := fmt.Sprintf(`{"auths":{%q:{"username":"o+ci","password":%q}},"credHelpers":%s}`, test.host, secret, test.helpers)
		config, err := dockerconfig.Parse([]byte(file))
		if err != nil {
			t.Errorf("Parse with %s: %v", test.helpers, err)
			continue
		}
		match, err := config.For(test.host, "o/app")
		switch {
		case test.refused && (!errors.Is(err, dockerconfig.ErrHelper) || !strings.Contains(err.Error(), "credHelpers for \""+test.host+"\"")):
			t.Errorf("For(%q) with %s = %v, want ErrHelper with the host", test.host, test.helpers, err)
		case !test.refused && (err != nil || match.Key != test.host):
			t.Errorf("For(%q) with %s = %q, %v, want the entry", test.host, test.helpers, match.Key, err)
		}
	}
}
