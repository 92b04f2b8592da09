package push_test

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/comptech-lab/quay-push/internal/quaytest"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
)

// usageCauses are wrong flags, and directories that cannot be written.
var usageCauses = []cause{
	{"no source", func(f *fixture) { f.opts.Source = "" }, failure.ClassUsage, "--source is missing", "", "correct the flag, or the param of the Task"},
	{"no image reference", func(f *fixture) { f.opts.ImageRef = "" }, failure.ClassUsage, "--image-ref is missing", "", "correct the flag, or the param of the Task"},
	{"a long name", func(f *fixture) { f.opts.ImageRef += strings.Repeat("a", 255) }, failure.ClassUsage, "at most 255 are taken", "", "shorter name"},
	{"a long name of the source", func(f *fixture) { f.opts.Source = "docker://quay.test/" + strings.Repeat("a", 255) }, failure.ClassUsage, "at most 255 are taken", "", "shorter name"},
	{"a host that is none", func(f *fixture) { f.opts.ImageRef = "-quay.test/a/b" }, failure.ClassUsage, "has an invalid host", "", "correct the flag, or the param of the Task"},
	{"no organization", func(f *fixture) { f.opts.ImageRef = f.Host() + "/app:v1" }, failure.ClassUsage, `/app:v1" has no organization: host/organization/name`, "", "correct the flag, or the param of the Task"},
	{"upper case", func(f *fixture) { f.opts.ImageRef += "/App" }, failure.ClassUsage, "has an invalid repository", "", "correct the flag, or the param of the Task"},
	{"a tag that is none", func(f *fixture) { f.opts.Tags = []string{"-v1"} }, failure.ClassUsage, `tag "-v1" is invalid`, "", "correct the flag, or the param of the Task"},
	{"a token host that is none", func(f *fixture) { f.opts.SourceTokenHost = "https://x" }, failure.ClassUsage, "--source-token-host", "", "correct the flag, or the param of the Task"},
	{"a compression that is none", func(f *fixture) { f.opts.Compression = "bzip2" }, failure.ClassUsage, `--compression is "bzip2", not gzip or zstd`, "", "correct the flag, or the param of the Task"},
	{"a file of authorities that is not there", func(f *fixture) { f.opts.CAFile = "/none" }, failure.ClassUsage, "--ca-file cannot be read", "no such file", "mount the file"},
	{"a file of authorities that may not be read", func(f *fixture) {
		f.opts.CAFile = filepath.Join(f.layout, "ca.crt")
		write(f.t, f.opts.CAFile, nil)
		if err := os.Chmod(f.opts.CAFile, 0); err != nil {
			f.t.Fatal(err)
		}
		f.reachable()
		f.opts.ResultsDir = ""
		unprivileged(f.t)
	}, failure.ClassUsage, "has no permission to read --ca-file", "permission denied", "make the file readable for user"},
	{"a directory of authorities", func(f *fixture) { f.opts.CAFile = f.layout }, failure.ClassUsage, "--ca-file cannot be read", "is a directory", "name a file with the authorities"},
	{"a file of authorities in DER", func(f *fixture) { f.opts.CAFile = filepath.Join(f.layout, "index.json") }, failure.ClassUsage, "has no PEM certificate", "", "-inform der"},
	{"a malformed proxy", func(f *fixture) { f.t.Setenv("HTTPS_PROXY", "http://user:S3CRET%zz@proxy.test:3128") }, failure.ClassUsage, "HTTPS_PROXY is not the URL", "", "percent-encoded"},
	{"a malformed proxy of a source", func(f *fixture) {
		f.t.Setenv("https_proxy", "http//proxy.test:3128")
		f.opts.Source, f.opts.SourceAnonymous = "docker://quay.test/a/b", true
	}, failure.ClassUsage, "https_proxy is not the URL", "", "percent-encoded"},
	{"no directory for the results", func(f *fixture) { f.opts.ResultsDir = "/none/results" }, failure.ClassResultsUnwritable, "--results-dir cannot be written", "no such file", "must exist and be writable"},
	{"no directory for the evidence", func(f *fixture) { f.opts.EvidenceDir = "/none/evidence" }, failure.ClassResultsUnwritable, "--evidence cannot be written", "no such file", "must exist and be writable"},
}

// credentialCauses are files without a usable credential, and robots without the right to push.
var credentialCauses = []cause{
	{"none named", func(f *fixture) { f.t.Setenv("DOCKER_CONFIG", ""); f.opts.Dockerconfig = "" }, failure.ClassNoCredential, "there is no dockerconfig", "", "(param dockerconfig-secret) or DOCKER_CONFIG"},
	{"no file", func(f *fixture) { f.opts.Dockerconfig = "/none" }, failure.ClassNoCredential, "there is no dockerconfig", "no such file", "mount the Secret"},
	{"no entry", dockerconfigOf(`{"auths":{"other.test":{"auth":"YTpi"}}}`), failure.ClassNoCredential, "no credential for HOST/team-a/app", `["other.test"]`, `put an entry for "HOST"`},
	{"a helper", dockerconfigOf(`{"credHelpers":{"HOST":"ecr-login"},"auths":{"HOST":{"auth":"YTpi"}}}`), failure.ClassNoCredential, "no credential for HOST", "credHelpers", "kubectl create secret docker-registry"},
	{"a store", dockerconfigOf(`{"credsStore":"desktop"}`), failure.ClassNoCredential, "no credential for HOST", "credsStore", "kubectl create secret docker-registry"},
	{"an identity token", dockerconfigOf(`{"auths":{"HOST":{"identitytoken":"x"}}}`), failure.ClassNoCredential, "no credential for HOST", "identitytoken", "robot's name and token"},
	{"the legacy format", dockerconfigOf(`{"HOST":{"auth":"YTpi"}}`), failure.ClassNoCredential, "no credential for HOST", "legacy .dockercfg", "of type kubernetes.io/dockerconfigjson"},
	{"no JSON", dockerconfigOf(`{`), failure.ClassNoCredential, "no credential for HOST", "not JSON", "make the Secret anew"},
	{"an entry without a password", dockerconfigOf(`{"auths":{"HOST":{"username":"a"}}}`), failure.ClassNoCredential, "no credential for HOST", "no password", "make the Secret anew"},
	{"a file that may not be read", func(f *fixture) {
		if err := os.Chmod(f.opts.Dockerconfig, 0); err != nil {
			f.t.Fatal(err)
		}
		f.reachable()
		f.opts.ResultsDir = ""
		unprivileged(f.t)
	}, failure.ClassNoCredential, "no credential for HOST", "permission denied", "fsGroup"},
	{"another organization's robot", func(f *fixture) { f.opts.ImageRef = f.Host() + "/team-b/app" }, failure.ClassOtherOrganization, `cannot push to organization "team-b"`, `"team-a"`, "the team that owns HOST/team-b/app"},
	{"a regenerated token", func(f *fixture) { f.RegenerateRobot("team-a+ci") }, failure.ClassCredentialRefused, `does not know robot "team-a+ci"`, "GET /v2/auth: 401", "let the Secret follow Vault"},
	{"anonymous access is off", play("GET", onToken, says(401, "UNAUTHORIZED", "Anonymous access is not allowed")), failure.ClassCredentialRefused, `does not know robot "team-a+ci"`, "Anonymous access is not allowed", "of every credential that it refuses"},
	{"a robot that gets no token", play("GET", onToken, says(403, "DENIED", "disabled")), failure.ClassCredentialRefused, `HOST gives robot "team-a+ci" no token`, "disabled", "is disabled"},
	{"a robot that is gone", func(f *fixture) { f.DeleteRobot("team-a+ci") }, failure.ClassCredentialRefused, "team-a+ci", "Could not find robot", ""},
	{"a robot that goes during the push", play("PUT", onTag, quaytest.Status(400, nil, `{"message":"Could not find robot with specified username"}`)), failure.ClassCredentialRefused, `robot "team-a+ci" was deleted`, "Could not find robot with specified username", "create the robot again"},
	{"the right to read alone", func(f *fixture) { f.Grant("team-a/app", "team-a+ci", quaytest.Read) }, failure.ClassPushDenied, `robot "team-a+ci" is not allowed to push to HOST/team-a/app`, `["pull"]`, "give the robot Write on team-a/app"},
	{"no right", func(f *fixture) { f.Revoke("team-a/app", "team-a+ci") }, failure.ClassNoAccess, "does not exist, or robot", "[]", "create the repository and give the robot Write"},
	{"no right, in a rehearsal", func(f *fixture) { f.Revoke("team-a/app", "team-a+ci"); f.opts.Preflight = true }, failure.ClassNoAccess, "does not exist, or robot", "[]", "create the repository"},
	{"an entry for a robot without the right", play("POST", onUpload, says(403, "DENIED", "")), failure.ClassPushDenied, "is not allowed to push", "DENIED", "ask who runs the registry"},
	{"a registry without tokens that wants one", play("GET", onPing, unavailable(200)), failure.ClassPushDenied, "asked for no token, and refuses a push without one", "401", "names the registry"},
	{"no repository", play("POST", onUpload, says(404, "NAME_UNKNOWN", "")), failure.ClassNoAccess, "HOST/team-a/app does not exist", "NAME_UNKNOWN", "create the repository in Quay, or correct --image-ref (param image-ref)"},
}

// dockerconfigOf gives f another file, with its host in the place of HOST.
func dockerconfigOf(content string) func(f *fixture) {
	return func(f *fixture) {
		write(f.t, f.opts.Dockerconfig, []byte(strings.ReplaceAll(content, "HOST", f.Host())))
	}
}
