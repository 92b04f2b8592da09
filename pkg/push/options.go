package push

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Options say what to push, where to and with whose credential. The zero value of everything but Source and ImageRef
// works; each field is the flag of the same name.
type Options struct {
	// Source is where the image is: oci:DIRECTORY[:REF], or the path of such a directory.
	Source string
	// ImageRef is the repository to push to, host/organization/name, with an optional :tag.
	ImageRef string
	// Tags are more tags; empty ones are none. Without any tag the digest gets the tag digest-<first 32 hex>.
	Tags []string
	// ResultsDir is the directory that gets the result files; empty: none are written.
	ResultsDir string
	// Dockerconfig is the file with the credential, or its directory; empty: what $DOCKER_CONFIG names.
	Dockerconfig string
	// CAFile is a PEM file of authorities to trust beside the system's; empty: none.
	CAFile string
	// TokenHost is the host of the registry's token service, with its port; empty: the registry's own.
	TokenHost string
	// PlainHTTP speaks HTTP without TLS.
	PlainHTTP bool
	// Jobs is how many blobs are sent at the same time; 0: 6.
	Jobs int
	// Timeout is how long the whole push may take; 0: an hour.
	Timeout time.Duration
	// StallTimeout is how long the registry may accept no byte of a body; 0: 90 seconds.
	StallTimeout time.Duration
	// RetryPause is the first pause before something is tried again; each further one is twice as long. 0: a second.
	RetryPause time.Duration
	// Log gets what happens; nil: nothing does.
	Log *slog.Logger
}

// NewLogger returns a logger that writes one line per event to w. format is text or json; the error is a usage error.
func NewLogger(w io.Writer, format string) (*slog.Logger, error) {
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(w, nil)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, nil)), nil
	}
	return nil, usageError("--log-format is %q, not text or json", format)
}

// complete fills the defaults in and checks what needs neither network nor disk.
func (o *Options) complete() error {
	if o.Dockerconfig == "" {
		// Never $HOME: Tekton leaves the ServiceAccount's credentials there.
		o.Dockerconfig = os.Getenv("DOCKER_CONFIG")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	for _, d := range []struct {
		value    *time.Duration
		fallback time.Duration
		name     string
	}{
		{&o.Timeout, time.Hour, "timeout"}, {&o.StallTimeout, 90 * time.Second, "stall-timeout"}, {&o.RetryPause, time.Second, "retry pause"},
	} {
		if *d.value < 0 {
			return usageError("--%s is negative", d.name)
		}
		if *d.value == 0 {
			*d.value = d.fallback
		}
	}
	const maxJobs = 64
	if o.Jobs < 0 || o.Jobs > maxJobs {
		return usageError("--jobs is %d, not 1 to %d", o.Jobs, maxJobs)
	}
	if o.Jobs == 0 {
		o.Jobs = 6
	}
	if o.TokenHost != "" && !hostPattern.MatchString(o.TokenHost) {
		return usageError("--token-host %q is not a host", o.TokenHost)
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
}

// Pinned is the image by digest, host/organization/name@sha256:<64 hex>.
func (r Result) Pinned() string { return r.Image + "@" + r.Digest }

// short is enough of a digest for a log line.
func short(d v1.Hash) string { return fmt.Sprintf("%s:%.12s", d.Algorithm, d.Hex) }
