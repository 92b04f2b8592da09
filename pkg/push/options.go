package push

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/source/compress"
	"github.com/comptech-lab/quay-push/pkg/push/verdict"
	"github.com/comptech-lab/quay-push/pkg/reference"
	"github.com/comptech-lab/quay-push/pkg/steplog"
)

// Options say what to push, where to and with whose credential. The zero value of everything but Source and ImageRef
// works; each field but the last ones is a flag.
type Options struct {
	// Source is where the image is: oci:DIRECTORY[:REF], oci-archive:FILE[:REF], docker-archive:FILE[:REF],
	// docker://HOST/REPOSITORY[:TAG|@DIGEST], or the path of one of the first three. Several of those with a path, separated by
	// commas, are pushed as one index.
	Source string
	// Compression is the format to which the layers of a docker-archive are compressed that are not compressed yet, gzip or zstd; empty:
	// gzip. Another source stays as it is.
	Compression string
	// SourceDir is the directory in which the paths of Source are; empty: they are those of the process.
	SourceDir string
	// ImageRef is the repository to push to, host/organization/name, with an optional :tag.
	ImageRef string
	// Tags are more tags; empty ones are none.
	Tags []string
	// NoAnchor sets no tag but these; then there must be one. Otherwise the digest gets its anchor beside them, digest-<first 32 hex>.
	NoAnchor bool
	// ResultsDir is the directory that gets the result files; empty: none are written.
	ResultsDir string
	// EvidenceDir is the directory that gets image-digest.txt and evidence.json; empty: none are written.
	EvidenceDir string
	// Dockerconfig is the file with the credential, or its directory; empty: what $DOCKER_CONFIG names.
	Dockerconfig string
	// FederatedTokenFile is the file with a token of an OpenID Connect issuer that Quay exchanges for one of Robot, ORG+NAME, in place of
	// a dockerconfig; empty: Dockerconfig has the credential.
	FederatedTokenFile string
	Robot              string
	// SourceDockerconfig is the file, or its directory, with the credential for a docker:// source; empty: Dockerconfig has it.
	SourceDockerconfig string
	// SourceAnonymous pulls a docker:// source without a credential, whatever the files have; without it there must be one.
	SourceAnonymous bool
	// CAFile is a PEM file of authorities to trust beside the system's; empty: none.
	CAFile string
	// TokenHost is the host of the registry's token service, with its port; empty: the registry's own.
	TokenHost string
	// SourceTokenHost is the host of the token service of a docker:// source, with its port; empty: that registry's own, or
	// TokenHost if the image is in the same one.
	SourceTokenHost string
	// PlainHTTP speaks HTTP without TLS.
	PlainHTTP bool
	// ExpectedDigest, sha256:<64 hex>, is what the image must have; empty: any.
	ExpectedDigest string
	// RequireRetention fails for an image that Quay would let expire.
	RequireRetention bool
	// IfTagAbsent fails if a tag exists with another digest.
	IfTagAbsent bool
	// Gate is the severity from which on a vulnerability refuses the image its tags, by the verdict of Quay's scanner: negligible, low,
	// medium, high or critical. Empty: nobody asks.
	Gate string
	// GateFixableOnly leaves out what nothing fixes yet.
	GateFixableOnly bool
	// GateTimeout is how long the verdict may take; 0: 45 minutes.
	GateTimeout time.Duration
	// GateUnsupported is pass or fail, for what the scanner cannot scan; empty: fail.
	GateUnsupported string
	// DryRun reads every byte and asks what is missing; it writes nothing, and creates no repository.
	DryRun bool
	// Preflight checks source, credential, right and tags; it writes nothing, and creates no repository.
	Preflight bool
	// Jobs is how many blobs over 1 MiB are sent at the same time, and a third of how many smaller ones; 0: 6.
	Jobs int
	// Timeout is how long the whole push may take; 0: an hour, and with a gate GateTimeout more.
	Timeout time.Duration
	// StallTimeout is how long the registry may accept no byte of a body; 0: 90 seconds.
	StallTimeout time.Duration
	// LogFormat is text or json; empty: text.
	LogFormat string

	// LogOutput gets one line per event; nil: nothing does.
	LogOutput io.Writer
	// RetryPause is the first pause before something is tried again; each further one is twice as long. 0: a second.
	RetryPause time.Duration
	// GatePause is the first pause between two questions for the verdict; the longest is six times that. 0: 5 seconds.
	GatePause time.Duration
	// ProgressEvery is the time between two lines that tell how far the push is; 0: ten seconds.
	ProgressEvery time.Duration
	// Now tells the time; nil: time.Now.
	Now func() time.Time

	// policy is what the flags of the gate say.
	policy verdict.Policy
}

// Logger returns the logger that the options ask for; an unknown format is taken for text.
func (o Options) Logger() *slog.Logger { return steplog.New(o.LogOutput, o.LogFormat) }

// readOnly reports whether nothing may be written.
func (o Options) readOnly() bool { return o.DryRun || o.Preflight }

// complete fills the defaults in and checks what needs neither network nor disk.
func (o *Options) complete() error {
	if err := o.checkFederated(); err != nil {
		return err
	}
	if o.Dockerconfig == "" {
		// Never $HOME: Tekton leaves the ServiceAccount's credentials there.
		o.Dockerconfig = os.Getenv("DOCKER_CONFIG")
	}
	if o.ResultsDir != "" {
		// By its text, not by its links: a StepAction has no name for the directory but one in it with /.. behind.
		o.ResultsDir = filepath.Clean(o.ResultsDir)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if err := o.completeGate(); err != nil {
		return err
	}
	if err := o.completeTimes(); err != nil {
		return err
	}
	const maxJobs = 64
	if o.Jobs < 0 || o.Jobs > maxJobs {
		return failure.Usage("--jobs is %d, not 1 to %d, or 0 for the default", o.Jobs, maxJobs)
	}
	if o.Jobs == 0 {
		o.Jobs = defaultJobs
	}
	if o.Compression == "" {
		o.Compression = defaultCompression
	}
	if !compress.IsOutput(o.Compression) {
		return failure.Usage("--compression is %q, not gzip or zstd", o.Compression)
	}
	for flag, host := range map[string]string{"--token-host": o.TokenHost, "--source-token-host": o.SourceTokenHost} {
		if host != "" && !reference.IsHost(host) {
			return failure.Usage("%s %q is not a host", flag, host)
		}
	}
	if !steplog.Known(o.LogFormat) {
		return failure.Usage("--log-format is %q, not text or json", o.LogFormat)
	}
	if o.ExpectedDigest != "" {
		if d, err := v1.NewHash(o.ExpectedDigest); err != nil || d.Algorithm != "sha256" {
			return failure.Usage("--expected-digest %q is not sha256:<64 hex>", o.ExpectedDigest)
		}
	}
	return nil
}

func (o *Options) completeTimes() error {
	for _, d := range []struct {
		value    *time.Duration
		fallback time.Duration
		name     string
	}{
		{&o.Timeout, defaultTimeout, "--timeout"},
		{&o.StallTimeout, defaultStallTimeout, "--stall-timeout"},
		{&o.RetryPause, time.Second, "RetryPause"},
		{&o.ProgressEvery, 10 * time.Second, "ProgressEvery"},
		{&o.GatePause, 5 * time.Second, "GatePause"},
	} {
		if *d.value < 0 {
			return failure.Usage("%s is negative", d.name)
		}
		if *d.value == 0 {
			*d.value = d.fallback
		}
	}
	return nil
}

// Result is an image that is in the registry and was read back.
type Result struct {
	// Image is host/organization/name.
	Image string
	// Digest is sha256:<64 hex> of its manifest or index.
	Digest string
	// Tags are the tags that point at the digest; the first one is that of IMAGE_URL.
	Tags []string
	// SentBytes is how many bytes of blobs were uploaded, those of tries that failed not counted; 0 for a rehearsal.
	SentBytes int64
}

// Pinned is the image by digest, host/organization/name@sha256:<64 hex>.
func (r Result) Pinned() string { return r.Image + "@" + r.Digest }
