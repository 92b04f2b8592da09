package push

import (
	"errors"
	"flag"
	"io"
	"time"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/stepargs"
)

// Flags defines the flags of push-image on fs; parsing fs fills o in.
func (o *Options) Flags(fs *flag.FlagSet) {
	fs.Func("source", "the image: `TRANSPORT:PATH[:REF]` with oci, oci-archive or docker-archive, docker://HOST/REPOSITORY[:TAG|@DIGEST], or a path; several, repeated or with commas between them, are pushed as one index", func(source string) error {
		if o.Source != "" {
			source = o.Source + "," + source
		}
		o.Source = source
		return nil
	})
	fs.StringVar(&o.SourceDir, "source-dir", "", "`directory` in which the paths of --source are")
	fs.StringVar(&o.Compression, "compression", defaultCompression, "gzip or zstd, for the uncompressed layers of a docker-archive; any other source goes as it is")
	fs.StringVar(&o.ImageRef, "image-ref", "", "where to push: `HOST/ORGANIZATION/NAME[:TAG]`")
	fs.Func("tag", "`tag` to set, may be repeated (default the anchor alone)", func(tag string) error {
		o.Tags = append(o.Tags, tag)
		return nil
	})
	o.anchorFlag(fs)
	fs.StringVar(&o.ResultsDir, "results-dir", "", "`directory` for the result files, such as /tekton/results")
	fs.StringVar(&o.EvidenceDir, "evidence", "", "`directory` for image-digest.txt and evidence.json")
	fs.StringVar(&o.Dockerconfig, "dockerconfig", "", "`file` with the credential, or its directory (default $DOCKER_CONFIG)")
	fs.StringVar(&o.FederatedTokenFile, "federated-token-file", "", "`file` with an OIDC token that Quay exchanges for one of --robot, in place of --dockerconfig")
	fs.StringVar(&o.Robot, "robot", "", "`ORG+NAME` of the robot that --federated-token-file is for")
	fs.StringVar(&o.SourceDockerconfig, "source-dockerconfig", "", "`file` with the credential for a docker:// source, or its directory (default what --dockerconfig names)")
	fs.BoolVar(&o.SourceAnonymous, "source-anonymous", false, "pull a docker:// source without a credential")
	fs.StringVar(&o.CAFile, "ca-file", "", "PEM `file` of certificate authorities to trust beside the system's")
	fs.StringVar(&o.TokenHost, "token-host", "", "`host` of the token service, if it is not the registry's")
	fs.StringVar(&o.SourceTokenHost, "source-token-host", "", "`host` of the token service of a docker:// source, if it is not that registry's")
	fs.BoolVar(&o.PlainHTTP, "plain-http", false, "speak HTTP without TLS")
	fs.StringVar(&o.ExpectedDigest, "expected-digest", "", "`digest` that the image must have, such as what was scanned")
	fs.BoolVar(&o.RequireRetention, "require-retention", false, "fail if the image has quay.expires-after")
	fs.BoolVar(&o.IfTagAbsent, "if-tag-absent", false, "fail if a tag exists with another digest")
	fs.StringVar(&o.Gate, "gate", "", "set no tag if Quay's scanner finds a vulnerability of this `severity` or worse: negligible, low, medium, high or critical (default no gate)")
	fs.BoolVar(&o.GateFixableOnly, "gate-fixable-only", false, "with --gate, ignore vulnerabilities that no newer version fixes")
	fs.DurationVar(&o.GateTimeout, "gate-timeout", defaultGateTimeout, "with --gate, limit for the scanner's verdict, such as 30m")
	fs.StringVar(&o.GateUnsupported, "gate-unsupported", defaultGateUnsupported, "with --gate, `fail or pass`: what to do with an image that the scanner cannot scan")
	fs.BoolVar(&o.DryRun, "dry-run", false, "read everything, ask what is missing, write nothing")
	fs.BoolVar(&o.Preflight, "preflight", false, "with the image at hand, check source, credential, right and tags, write nothing; it asks for neither quota nor read-only mode, as the param preflight of ResolveTenant does")
	fs.IntVar(&o.Jobs, "jobs", defaultJobs, "blobs over 1 MiB sent at the same time, and three times as many smaller ones")
	fs.DurationVar(&o.Timeout, "timeout", 0, "limit for the whole push, such as 30m (default 1h; with --gate, 1h plus --gate-timeout)")
	fs.DurationVar(&o.StallTimeout, "stall-timeout", defaultStallTimeout, "limit for a body of which no byte is accepted, such as 90s")
	fs.StringVar(&o.LogFormat, "log-format", "text", "text or json")
}

// Parse parses the program's arguments into o, and writes help or the version to out if that is asked for: then the error is
// flag.ErrHelp. Any other error is a usage error; o has what stood before the mistake.
func (o *Options) Parse(args []string, out io.Writer) error {
	fs := flag.NewFlagSet("push-image", flag.ContinueOnError)
	o.Flags(fs)
	err := stepargs.Parse(fs, "push-image --source SOURCE --image-ref HOST/ORGANIZATION/NAME[:TAG] --dockerconfig FILE [flags]", args, out)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		return failure.Usage("%v", err).Then(stepargs.See(fs.Name()))
	}
	return err
}

// Defaults of the flags.
const (
	defaultCompression  = "gzip"
	defaultJobs         = 6
	defaultTimeout      = time.Hour
	defaultStallTimeout = 90 * time.Second

	defaultGateTimeout     = 45 * time.Minute
	defaultGateUnsupported = "fail"
)
