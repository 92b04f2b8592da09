package dockerconfig_test

import (
	"errors"
	"fmt"

	"github.com/comptech-lab/quay-push/pkg/dockerconfig"
)

// The entry with the longest path is for the image, whatever stands first in the file.
func ExampleConfig_For() {
	config, err := dockerconfig.Parse([]byte(`{"auths": {
		"quay.example.com": {"username": "team-platform+ci", "password": "secret-of-platform"},
		"quay.example.com/team-payments": {"username": "team-payments+ci", "password": "secret-of-payments"}
	}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, repository := range []string{"team-payments/checkout", "team-platform/base"} {
		match, err := config.For("quay.example.com", repository)
		organization, robot, ok := match.Credential.Robot()
		fmt.Println(match.Key, organization, robot, ok, err)
	}
	_, err = config.For("docker.io", "library/busybox")
	fmt.Println(errors.Is(err, dockerconfig.ErrNoEntry))
	// Output:
	// quay.example.com/team-payments team-payments ci true <nil>
	// quay.example.com team-platform ci true <nil>
	// true
}
