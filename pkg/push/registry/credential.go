package registry

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/comptech-lab/quay-push/pkg/dockerconfig"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// FindCredential reads the dockerconfig, a file or its directory that flag names, for the entry of a repository.
func FindCredential(file, flag string, to Target) (dockerconfig.Match, error) {
	failed := &failure.Error{Class: failure.ClassNoCredential, Problem: "there is no dockerconfig"}
	if file == "" {
		return dockerconfig.Match{}, failed.Then("name one in " + flag + " or DOCKER_CONFIG")
	}
	config, err := dockerconfig.Read(file)
	if errors.Is(err, fs.ErrNotExist) {
		failed.Err = err
		return dockerconfig.Match{}, failed.Then("mount the Secret that " + flag + " names there; without a key .dockerconfigjson or config.json it is of another type")
	}
	var match dockerconfig.Match
	if err == nil {
		match, err = config.For(to.Host, to.Repository)
	}
	if err != nil {
		failed.Problem, failed.Err = "the dockerconfig has no credential for "+to.Name(), err
		return dockerconfig.Match{}, failed.Then(credentialNext(err, flag, to.Host))
	}
	return match, nil
}

// credentialNext is the next step for a dockerconfig that is there and of no use.
func credentialNext(err error, flag, host string) string {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Sprintf("let user %d, as which push-image runs, read the file: fsGroup in the Pod's securityContext, or defaultMode of the volume", os.Getuid())
	case errors.Is(err, dockerconfig.ErrNoEntry):
		return fmt.Sprintf("put an entry for %q with the robot's name and token into it, or name another file in %s", host, flag)
	case errors.Is(err, dockerconfig.ErrHelper), errors.Is(err, dockerconfig.ErrUnsupported):
		return fmt.Sprintf("make a Secret whose entry for %q has the robot's name and token: kubectl create secret docker-registry", host)
	case errors.Is(err, dockerconfig.ErrInvalid):
		return "make the Secret anew, of type kubernetes.io/dockerconfigjson: kubectl create secret docker-registry, or the template of its ExternalSecret"
	}
	return "look at the volume that the file is on, then run it again"
}
