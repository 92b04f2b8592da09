package credential

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/comptech-lab/quay-push/pkg/dockerconfig"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/secret"
)

// Entry is an entry of a dockerconfig.
type Entry struct{ dockerconfig.Match }

// Get returns what the entry holds.
func (e Entry) Get(context.Context) (dockerconfig.Credential, error) { return e.Credential, nil }

// Secrets has the one that the entry holds.
func (e Entry) Secrets() []secret.Value { return []secret.Value{e.Credential.Authorization()} }

// Find reads the dockerconfig, a file or its directory that flag names, for the entry of host/repository.
func Find(file, flag, host, repository string) (Entry, error) {
	failed := &failure.Error{Class: failure.ClassNoCredential, Problem: "there is no dockerconfig"}
	if file == "" {
		return Entry{}, failed.Then("name one in " + flag + " or DOCKER_CONFIG")
	}
	config, err := dockerconfig.Read(file)
	if errors.Is(err, fs.ErrNotExist) {
		failed.Err = err
		return Entry{}, failed.Then("mount the Secret that " + flag + " names there; without a key .dockerconfigjson or config.json it is of another type")
	}
	var match dockerconfig.Match
	if err == nil {
		match, err = config.For(host, repository)
	}
	if err != nil {
		failed.Problem, failed.Err = "the dockerconfig has no credential for "+host+"/"+repository, err
		return Entry{}, failed.Then(entryNext(err, flag, host))
	}
	return Entry{match}, nil
}

// entryNext is the next step for a dockerconfig that is there and of no use.
func entryNext(err error, flag, host string) string {
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
